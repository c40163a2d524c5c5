"""The report's comparisons: what `luna-tui compare` found and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.compare import read_comparisons
from engine.workspace import Workspace
from luna_tui import figures
from luna_tui.compare_report import exam_lines, sentence
from luna_tui.report.blocks import Block, Heading, Paragraph, Points, Table


def compare_part(workspace: Workspace) -> tuple[list[Block], list[str]]:
    """Return every comparison that was kept, and the commands that made them."""
    comparisons = read_comparisons(workspace)
    blocks: list[Block] = [Heading("Comparisons")] if comparisons else []
    for found in comparisons:
        blocks += _comparison(found)
    return blocks, [found["command"] for found in comparisons]


def _comparison(found: Mapping[str, Any]) -> list[Block]:
    models = found["models"]
    blocks: list[Block] = [Heading(", ".join(model["label"] for model in models), 3)]
    for pair in found["pairs"]:
        blocks += [Paragraph(sentence(pair) + "."), Points(exam_lines(pair))]
    rows = [[f"exam of G{gen}", *(_score(model["exams"][gen]) for model in models)] for gen in models[0]["exams"]]
    if models[0]["cards"] is not None:
        rows.append(["challenge cards", *(_score(model["cards"]) for model in models)])
    rows += [
        ["style drift", *(_score(model["drift"]) for model in models)],
        ["tokens/s", *(f"{model['tokens_per_s']:.0f}" for model in models)],
        ["memory", *(figures.size(model["memory_bytes"]) for model in models)],
        ["GGUF", *(figures.size(model["size_bytes"]) for model in models)],
    ]
    if _asked_refusals(models):
        rows.insert(-3, ["refuses or moralises", *(_score(m["refusals"]["share"]) for m in models)])
    blocks.append(Table(("", *(model["label"] for model in models)), rows))
    blocks.append(Paragraph("Tone probes, greedy answers side by side:"))
    blocks.append(_side_by_side(models, [[(t["prompt"], t["text"]) for t in model["tone"]] for model in models]))
    if _asked_refusals(models):
        answers = [[(a["prompt"], a["text"] or a["sermon"]) for a in model["refusals"]["answers"]] for model in models]
        blocks += [Paragraph("The refusal set, answers side by side:"), _side_by_side(models, answers)]
    if found["warnings"]:
        blocks.append(Points([f"Warning: {warning}." for warning in found["warnings"]]))
    return blocks


def _asked_refusals(models: Sequence[Mapping[str, Any]]) -> bool:
    return all("refusals" in model for model in models)


def _side_by_side(models: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[tuple[str, str]]]) -> Table:
    prompts = [prompt for prompt, _ in answers[0]]
    rows = [[prompt, *(told[place][1] for told in answers)] for place, prompt in enumerate(prompts)]
    return Table(("asked", *(model["label"] for model in models)), rows)


def _score(score: Mapping[str, Any]) -> str:
    return f"{score['value']:.2f} ({score['low']:.2f}–{score['high']:.2f}, n {score['n']})"
