"""The score table that `train` prints after a generation and `eval` prints first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from luna_tui.common import figures
from luna_tui.common.score_lines import AncestorExam, ScoreLine, ancestor_exams, score_lines
from luna_tui.common.terminal import Glyphs, LunaConsole

_FALLEN = 0.03


def print_scores(
    console: LunaConsole,
    scores: Mapping[str, Any],
    targets: Mapping[str, float],
    by_ancestor: object,
    was: Mapping[int, float | None],
) -> None:
    """Print the scores with targets, counts and intervals, and under them the row of the ancestors' exams."""
    lines = score_lines(scores, targets)
    if lines:
        console.print(_table(lines, console.glyphs))
    exams = ancestor_exams(by_ancestor, was)
    if exams:
        console.print(_forgetting(exams, console.glyphs))


def _table(lines: Sequence[ScoreLine], glyphs: Glyphs) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("  score")
    table.add_column("value", justify="right")
    table.add_column("target", justify="right")
    table.add_column("count", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("")
    for line in lines:
        table.add_row(
            Text(f"  {line.label}"),
            Text(figures.score(line.value, line.target), "bold" if line.passed is not None else ""),
            Text(_target(line, glyphs), "dim"),
            Text(f"{line.count}/{line.n}" if line.n else glyphs.dash),
            Text(f"{line.low:.2f}{glyphs.dash}{line.high:.2f}" if line.n else glyphs.dash, "dim"),
            _mark(line, glyphs),
        )
    return table


def _target(line: ScoreLine, glyphs: Glyphs) -> str:
    if line.target is None or not line.sign:
        return ""
    return f"{glyphs.relation(line.sign)} {line.target:.2f}"


def _mark(line: ScoreLine, glyphs: Glyphs) -> Text:
    if line.passed is None:
        return Text("")
    if line.name == "recall" and line.n == 0:
        return Text(f"{glyphs.accepted} no parent to recall", "green")
    if line.passed:
        return Text(f"{glyphs.accepted} met", "green")
    return Text(f"{glyphs.rejected} missed by {line.shortfall}", "red")


def _forgetting(exams: Sequence[AncestorExam], glyphs: Glyphs) -> Text:
    text = Text("  exams of the ancestors", "dim")
    for exam in exams:
        text.append(f"   G{exam.gen} ", "dim")
        fallen = exam.was is not None and exam.value < exam.was - _FALLEN
        text.append(figures.score(exam.value), "yellow" if fallen else "")
        if exam.was is not None and f"{exam.was:.2f}" != f"{exam.value:.2f}":
            text.append(f" was {figures.score(exam.was)}", "yellow" if fallen else "dim")
    lost = [f"G{exam.gen}" for exam in exams if exam.was is not None and exam.value < exam.was - _FALLEN]
    if lost:
        text.append(f"\n  {glyphs.running} forgetting: {', '.join(lost)} stands lower than when it was new", "yellow")
    return text
