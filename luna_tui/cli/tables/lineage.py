"""The lineage on a terminal: the tree with marks, short hashes, the three scores and ages in aligned columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs, LunaConsole
from luna_tui.common.tree_layout import clip, tree_lines

_WIDE = 104
_STYLES = {"accepted": "green", "rejected": "red", "stopped": "yellow", "unrecorded": "dim"}


def print_lineage(
    console: LunaConsole,
    rows: Sequence[Mapping[str, Any]],
    head: int | None,
    targets: Mapping[str, float],
    now: datetime | None = None,
) -> None:
    """Print the whole lineage tree; scores that miss their target are red."""
    glyphs = console.glyphs
    by_gen = {int(row["GEN_ID"]): row for row in rows}
    wide = console.width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("lineage", no_wrap=True)
    table.add_column("phase", no_wrap=True)
    table.add_column("sha", no_wrap=True)
    for name in ("recall", "general.", "drift", *(("loss", "steps", "took") if wide else ()), "age"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in tree_lines(rows, head, glyphs):
        drawing = clip(line.drawing, console.width - 62 if console.width > 90 else 24, glyphs)
        if line.gen is None:
            table.add_row(_base_label(rows, head, glyphs))
        else:
            table.add_row(*_cells(by_gen[line.gen], drawing, line.gen == head, targets, glyphs, now, wide=wide))
    console.print(table)
    console.print(_legend(rows, glyphs))


def _cells(
    row: Mapping[str, Any],
    drawing: str,
    is_head: bool,
    targets: Mapping[str, float],
    glyphs: Glyphs,
    now: datetime | None,
    *,
    wide: bool,
) -> list[Text]:
    verdict = str(row.get("verdict", ""))
    weight = "bold" if is_head else "dim" if verdict in ("rejected", "stopped") else ""
    label = Text(drawing, "dim")
    label.append(f"{_mark(verdict, glyphs)} ", _STYLES.get(verdict, ""))
    label.append(f"G{row['GEN_ID']}", weight)
    if is_head:
        label.append(f" {glyphs.head}", "bold cyan")
    cells = [
        label,
        Text(safe_line(str(row.get("phase") or "")), weight),
        Text(safe_line(str(row["child_sha"]))[:8], weight),
    ]
    for column, name, sign in (
        ("eval_recall", "recall", 1),
        ("eval_generalization", "generalization", 1),
        ("eval_style_drift", "drift", -1),
    ):
        cells.append(_score(row.get(column), targets.get(name), sign, weight))
    if wide:
        minutes = _number(row.get("walltime_min"))
        cells += [
            Text(figures.loss(_number(row.get("loss_end"))), weight),
            Text(str(row.get("steps", "")), weight),
            Text(figures.duration(None if minutes is None else minutes * 60), weight),
        ]
    return [*cells, Text(figures.age(row.get("created"), now), "dim")]


def _score(raw: object, target: float | None, sign: int, style: str) -> Text:
    value = _number(raw)
    if value is None:
        return Text("–" if raw in (None, "") else safe_line(str(raw)), "dim")
    missed = target is not None and (value <= target if sign > 0 else value >= target)
    return Text(figures.score(value, target), "red" if missed else style)


def _number(raw: object) -> float | None:
    try:
        return float(str(raw))
    except ValueError:
        return None


def _mark(verdict: str, glyphs: Glyphs) -> str:
    marks = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}
    return marks.get(verdict, glyphs.unrecorded)


def _base_label(rows: Sequence[Mapping[str, Any]], head: int | None, glyphs: Glyphs) -> Text:
    label = Text(f"{glyphs.base} ", "dim").append("base", "bold" if head is None else "")
    if head is None:
        label.append(f" {glyphs.head}", "bold cyan")
    name = base_name(rows)
    return label.append(f" {name}", "dim") if name else label


def base_name(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the base model's name as recorded in the newest row that has one."""
    for row in reversed(rows):
        base = row.get("base")
        name = base.get("name") if isinstance(base, Mapping) else base
        if name:
            return safe_line(str(name))[:32]
    return ""


def _legend(rows: Sequence[Mapping[str, Any]], glyphs: Glyphs) -> Text:
    present = {str(row.get("verdict", "")) for row in rows}
    known = [verdict for verdict in ("accepted", "rejected", "stopped", "unrecorded") if verdict in present]
    text = Text()
    for verdict in known:
        text.append(f"{_mark(verdict, glyphs)} ", _STYLES[verdict]).append(f"{verdict}   ", "dim")
    return text
