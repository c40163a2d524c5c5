"""The report's comparisons: the results that `luna-tui compare` stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.evaluation.compare import read_comparisons
from engine.workspace.layout import Workspace
from luna_tui.common import figures
from luna_tui.common.comparison_text import (
    NOT_ASKED,
    Answer,
    Question,
    exam_lines,
    refusal_answers,
    sentence,
    side_by_side,
    tone_answers,
)
from luna_tui.report.blocks import Block, Heading, Paragraph, Points, Table


def compare_part(workspace: Workspace) -> tuple[list[Block], list[str]]:
    """Return the blocks of every stored comparison, and the commands that made them."""
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
        ["style drift", *(_drift(model) for model in models)],
        ["tokens/s", *(f"{model['tokens_per_s']:.0f}" for model in models)],
        ["memory", *(figures.size(model["memory_bytes"]) for model in models)],
        ["GGUF", *(figures.size(model["size_bytes"]) for model in models)],
    ]
    if _asked_refusals(models):
        rows.insert(-3, ["refuses or moralises", *(_score(m["refusals"]["share"]) for m in models)])
    blocks.append(Table(("", *(model["label"] for model in models)), rows))
    blocks.append(Paragraph("Tone probes, greedy answers side by side:"))
    blocks.append(_side_by_side(models, [tone_answers(model) for model in models]))
    if _asked_refusals(models):
        answers = [refusal_answers(model) for model in models]
        blocks += [Paragraph("The refusal set, answers side by side:"), _side_by_side(models, answers)]
    if found["warnings"]:
        blocks.append(Points([f"Warning: {warning}." for warning in found["warnings"]]))
    return blocks


def _asked_refusals(models: Sequence[Mapping[str, Any]]) -> bool:
    return all("refusals" in model for model in models)


def _side_by_side(models: Sequence[Mapping[str, Any]], told: Sequence[Mapping[Question, Answer]]) -> Table:
    rows = [
        [prompt, *(NOT_ASKED if answer is None else answer[0] for answer in answers)]
        for prompt, answers in side_by_side(told)
    ]
    return Table(("asked", *(model["label"] for model in models)), rows)


def _drift(model: Mapping[str, Any]) -> str:
    return _score(model["drift"]) if model.get("same_probes", True) else "of other probes"


def _score(score: Mapping[str, Any]) -> str:
    return f"{score['value']:.2f} ({score['low']:.2f}–{score['high']:.2f}, n {score['n']})"
