"""Prints a comparison: a verdict in words for each pair, then the figures, then the answers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

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
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole, in_ascii

_STYLES = {"better": "bold green", "worse": "bold red", "within noise": "bold yellow"}


def print_comparison(console: LunaConsole, found: Mapping[str, Any]) -> None:
    """Print the verdicts, figures and answers of a comparison, as `compare_models` returns them."""
    for pair in found["pairs"]:
        _print(console, Text(sentence(pair), _STYLES[pair["all"]["verdict"]]))
        for line in exam_lines(pair):
            _print(console, Text(f"  {line}", "dim"))
    console.print()
    console.print(_figures(console, found["models"]))
    _print_answers(console, "tone probes, greedy", [(m["label"], tone_answers(m)) for m in found["models"]])
    if all("refusals" in model for model in found["models"]):
        _print_answers(console, "refusal set", [(m["label"], refusal_answers(m)) for m in found["models"]])
    for warning in found["warnings"]:
        _print(console, Text.assemble(("warning: ", "yellow"), safe_line(warning)))


def _figures(console: LunaConsole, models: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("")
    for model in models:
        table.add_column(safe_line(model["label"])[:16], justify="right", no_wrap=True)
    for gen in models[0]["exams"]:
        table.add_row(f"exam of G{gen}", *(_score(model["exams"][gen]) for model in models))
    if models[0]["cards"] is not None:
        table.add_row("challenge cards", *(_score(model["cards"]) for model in models))
    table.add_row("style drift", *(tone_score(model, "drift") for model in models))
    table.add_row("tone answered", *(tone_score(model, "answered") for model in models))
    if all("refusals" in model for model in models):
        table.add_row("refuses, moralises", *(_score(model["refusals"]["share"]) for model in models))
    table.add_row("speed, tokens/s", *(f"{model['tokens_per_s']:.0f}" for model in models))
    table.add_row("memory", *(figures.size(model["memory_bytes"]) for model in models))
    table.add_row("GGUF", *(figures.size(model["size_bytes"]) for model in models))
    return table


def tone_score(model: Mapping[str, Any], name: str) -> str:
    """Return a share of the tone answers as text; a model with other tone probes than the rest cannot be compared."""
    return f"{model[name]['value']:.2f}" if model.get("same_probes", True) else "other probes"


def _score(score: Mapping[str, Any]) -> str:
    taught = "" if score.get("taught", True) else "*"
    return f"{taught}{score['value']:.2f} of {score['n']}"


def _print_answers(console: LunaConsole, title: str, models: Sequence[tuple[str, Mapping[Question, Answer]]]) -> None:
    console.print()
    console.print(Text(title, "bold"))
    width = max(len(safe_line(label)) for label, _ in models)
    for prompt, answers in side_by_side([answers for _, answers in models]):
        _print(console, Text(f"  {safe_line(prompt)}", "cyan"))
        for (label, _), answer in zip(models, answers, strict=True):
            said = Text(NOT_ASKED, "dim") if answer is None else _flagged(*answer)
            _print(console, Text(f"    {safe_line(label):<{width}}  ", "dim").append_text(said))


def _flagged(text: str, places: Sequence[tuple[int, int]]) -> Text:
    """Return the answer on one line, its corporate or moralising passages in red; ranges apply to the raw text, so each
    part is made safe only after splitting.
    """
    shown = Text()
    at = 0
    for start, end in sorted(places):
        if start < at:
            continue
        shown.append(safe_line(text[at:start]), "not dim").append(safe_line(text[start:end]), "bold red")
        at = end
    return shown.append(safe_line(text[at:]), "not dim")


def _print(console: LunaConsole, text: Text) -> None:
    console.print(in_ascii(text) if console.ascii else text, soft_wrap=not console.is_terminal)
