"""Draws the lineage pane: one generation per line, made only when visible, so that ten thousand cost no more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.text import Text

from engine.core.gen_label import gen_label
from luna_tui.common import figures
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.common.tree_layout import TreeLine, clip
from luna_tui.console.render.conversation import fold, shown_line
from luna_tui.console.render.lineage_places import Running, Tree
from luna_tui.console.state.console_state import ConsoleState

VERDICT_STYLES = {"accepted": "good", "rejected": "bad", "stopped": "warn"}

_WIDTHS = {"phase": 8, "sha": 8, "recall": 6, "gen.": 5, "drift": 5, "loss": 7, "steps": 6, "took": 7, "age": 6}
# The columns that a narrow pane keeps longest come first; those that fit are drawn in the order of `_WIDTHS`.
_BY_WORTH = ("recall", "gen.", "drift", "sha", "phase", "age", "loss", "took", "steps")
_ALWAYS = 4
_SCORES = {
    "recall": ("eval_recall", "recall", 1),
    "gen.": ("eval_generalization", "generalization", 1),
    "drift": ("eval_style_drift", "drift", -1),
}
_LEFT = frozenset(["phase", "sha"])
_DRAWING = 8


@dataclass(frozen=True, slots=True)
class LineageStyle:
    """How the lines are drawn: the columns after a label of `label` cells, and which generation is HEAD or marked."""

    width: int
    label: int
    columns: tuple[str, ...]
    glyphs: Glyphs
    head: int | None = None
    selected: int | None = None
    marked: tuple[int | None, ...] = ()
    targets: Mapping[str, float] = field(default_factory=dict[str, float])
    now: datetime | None = None

    @property
    def gap(self) -> int:
        """The number of cells between two columns."""
        return _gap(self.width)


def look_for(
    tree: Tree, state: ConsoleState, width: int, glyphs: Glyphs, selected: int | None, now: datetime | None = None
) -> LineageStyle:
    """Return the style with the columns that fit, chosen in the order of `_BY_WORTH`; the word HEAD gives way to the
    first `_ALWAYS` of them.
    """
    name = 4 + len(f"G{tree.newest}")  # gutter, mark, space, and the sign of a marked one after the name
    drawn = name + min(_DRAWING, tree.widest)
    short, full = max(name + 2, drawn), max(name + 1 + len(glyphs.head), drawn)
    chosen: list[str] = []
    used = 0
    for place, column in enumerate(_BY_WORTH):
        size = _WIDTHS[column] + _gap(width)
        if (short if place < _ALWAYS else full) + used + size > width:
            break
        chosen.append(column)
        used += size
    columns = tuple(column for column in _WIDTHS if column in chosen)
    label = max(8, min(width - used, max(full, name + tree.widest)))
    return LineageStyle(width, label, columns, glyphs, state.head, selected, state.ui.marked, state.targets, now)


def _gap(width: int) -> int:
    return 1 if width < 60 else 2


def draw_heading(look: LineageStyle) -> Text:
    """Return the line with the names of the columns."""
    text = Text(" " * look.label)
    for column in look.columns:
        text.append(" " * look.gap).append_text(_fitted(Text(column, "label"), column))
    return _finish(text, look)


def draw_row(line: TreeLine, row: Mapping[str, Any] | None, look: LineageStyle, base: str = "") -> Text:
    """Return the line of one generation; `row` is None for the base, whose name is `base`."""
    glyphs = look.glyphs
    drawing = clip(line.drawing, max(2, look.label - 5 - len(f"G{line.gen}")), glyphs)
    verdict = str((row or {}).get("verdict") or "")
    is_head = line.gen == look.head
    marks = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}
    mark = glyphs.base if line.gen is None else marks.get(verdict, glyphs.unrecorded)
    weight = "bold" if is_head else "dim" if verdict in ("rejected", "stopped") else ""
    text = _gutter(line.gen, look).append(drawing, "dim").append(f"{mark} ", VERDICT_STYLES.get(verdict, "dim"))
    text.append(gen_label(line.gen), weight)
    if line.gen in look.marked:
        text.append("*" if glyphs is ASCII else "▪", "accent")
    if is_head:
        room = look.label if row is not None else look.width
        word = glyphs.head if text.cell_len + 1 + len(glyphs.head) <= room else glyphs.head[:1]
        text.append(f" {word}", "head")
    if row is None:
        return _finish(text.append(f"  {shown_line(base, glyphs)}" if base else "", "dim"), look)
    text.truncate(look.label, pad=True)
    for column in look.columns:
        text.append(" " * look.gap).append_text(_fitted(_cell(column, row, weight, look), column))
    return _finish(text, look)


def draw_running(line: TreeLine, running: Running, look: LineageStyle) -> Text:
    """Return the line of the generation in training, or of a stopped one, and its progress."""
    mark, style = (look.glyphs.stopped, "warn") if running.stopped else (look.glyphs.running, "run")
    drawing = clip(line.drawing, max(2, look.label - 5 - len(f"G{line.gen}")), look.glyphs)
    text = Text(" ").append(drawing, "dim").append(f"{mark} G{running.gen}", style)
    text.truncate(look.label, pad=True)
    phase = f" {shown_line(running.phase, look.glyphs)}" if running.phase and look.width >= 60 else ""
    return _finish(text.append(f"{phase} {running.words}", style), look)


def _cell(column: str, row: Mapping[str, Any], weight: str, look: LineageStyle) -> Text:
    if column in _SCORES:
        key, target, sign = _SCORES[column]
        return _score(number(row.get(key)), look.targets.get(target), sign, weight, look.glyphs)
    if column == "sha":
        return Text(shown_line(str(row.get("child_sha") or ""), look.glyphs)[:8], weight)
    if column == "phase":
        return Text(shown_line(str(row.get("phase") or ""), look.glyphs), weight)
    if column == "age":
        return Text(figures.age(row.get("created"), look.now), "dim")
    if column == "loss":
        return Text(figures.loss(number(row.get("loss_end"))), weight)
    if column == "steps":
        return Text(str(row.get("steps", "")), weight)
    return Text(figures.duration(_seconds(row)), weight)


def _score(value: float | None, target: float | None, sign: int, weight: str, glyphs: Glyphs) -> Text:
    if value is None:
        return Text(glyphs.dash, "dim")
    missed = target is not None and (value <= target if sign > 0 else value >= target)
    return Text(figures.score(value, target), "bad" if missed else weight)


def draw_details(row: Mapping[str, Any], look: LineageStyle, indent: str) -> list[Text]:
    """Return what is known of a generation without opening its page, as lines after `indent`."""
    glyphs = look.glyphs
    dot, sha = f" {glyphs.dot} ", 12 if look.width - len(indent) >= 44 else 8
    lr = number(row.get("lr"))
    facts = [
        (
            "recipe",
            dot.join((f"{row.get('steps')} steps", f"lr {figures.learning_rate(lr) if lr is not None else '-'}")),
        ),
        ("took", figures.duration(_seconds(row))),
        ("loss", f"{figures.loss(number(row.get('loss_start')))} {glyphs.arrow} {_loss_end(row)}"),
        ("data", data_words(row.get("data"), glyphs)),
        ("parent", str(row.get("parent_sha", ""))[:sha]),
        ("sha", dot.join(str(row.get(key) or "")[:sha] for key in ("child_sha", "data_delta_sha")) + " data"),
    ]
    if row.get("collected"):
        facts.append(("gone", "its GGUF was collected to save space"))
    lines = [(label, words, "") for label, words in facts if words]
    style = "warn" if row.get("verdict") == "accepted" else "bad"
    lines += [("why" if i == 0 else "", str(r), style) for i, r in enumerate(row.get("reasons") or ())]
    drawn: list[Text] = []
    for label, words, style in lines:
        for part, folded in enumerate(fold(shown_line(words, glyphs), max(12, look.width - len(indent) - 8))):
            name = Text(indent, "dim").append(f"{label if part == 0 else '':<7} ", "label")
            drawn.append(_finish(name.append(folded, style), look))
    return drawn


def indent_below(line: TreeLine, below: TreeLine | None, glyphs: Glyphs) -> str:
    """Return the prefix of lines between a generation and the next, so that the tree continues through them."""
    way = line.drawing
    for fork, gap in ((glyphs.last_fork, "  "), (glyphs.fork, f"{glyphs.trunk} ")):
        if way.endswith(fork):
            way = way[: -len(fork)] + gap
    forks = below is not None and below.drawing in (way + glyphs.fork, way + glyphs.last_fork)
    return f" {way[:_DRAWING]}{glyphs.trunk if forks else ' '}  "


def draw_nothing_yet(width: int, glyphs: Glyphs) -> list[Text]:
    """Return an explanation of what a lineage is, for a workspace that has none."""
    words = (
        "A lineage is a line of small models, each trained a little from its parent.",
        "Every one is examined; only one that meets its targets becomes HEAD.",
    )
    lines = [Text(), *(Text(f" {line}", "dim") for text in words for line in fold(text, max(8, width - 2))), Text()]
    lines.append(Text(" ").append("t", "key").append(" trains the first generation"))
    return [in_ascii(line) if glyphs is ASCII else line for line in lines]


def data_words(data: object, glyphs: Glyphs) -> str:
    """Return the data counts in words, `104 new · 183 trained on · 21 held out · 100 replayed`; empty if none are
    known.
    """
    if not isinstance(data, Mapping):
        return ""
    names = (("new", "new"), ("train", "trained on"), ("holdout", "held out"), ("replay", "replayed"))
    return f" {glyphs.dot} ".join(f"{data[key]} {word}" for key, word in names if data.get(key) is not None)


def legend(verdicts: Collection[str], glyphs: Glyphs) -> str:
    """Return the legend of the marks that occur: `✓ accepted  ✗ rejected`."""
    marks = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}
    return "  ".join(f"{mark} {verdict}" for verdict, mark in marks.items() if verdict in verdicts)


def number(raw: object) -> float | None:
    """Return a number from a row's field, None for an empty field."""
    return float(raw) if isinstance(raw, int | float) else None


def _seconds(row: Mapping[str, Any]) -> float | None:
    minutes = number(row.get("walltime_min"))
    return None if minutes is None else minutes * 60


def _loss_end(row: Mapping[str, Any]) -> str:
    return figures.loss(number(row.get("loss_end")))


def _gutter(gen: int | None, look: LineageStyle) -> Text:
    return Text((">" if look.glyphs is ASCII else "▌") if gen == look.selected else " ", "key")


def _fitted(cell: Text, column: str) -> Text:
    width = _WIDTHS[column]
    cell.truncate(width)
    cell.align("left" if column in _LEFT else "right", width)
    return cell


def _finish(text: Text, look: LineageStyle) -> Text:
    text.truncate(look.width)
    return in_ascii(text) if look.glyphs is ASCII else text
