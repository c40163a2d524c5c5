"""The loss chart as lines of text: raw losses, the smoothed curve, the parent's curve behind it, and both axes.

It draws its own dots: for 75×14 cells and 300 steps plotext took 10 to 16 ms where this took 2 to 4
(bench/p10_chart_redraw.py); textual-hires-canvas (3 to 4 ms for the dots alone) and textual-plot are Textual widgets,
on which a renderer must not depend.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from rich.text import Span, Text

from luna_tui.common.loss_curve import Curve
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, ascii_text
from luna_tui.console.render.chart.axis import loss_axis, step_ticks
from luna_tui.console.render.chart.loss_plot import ASCII_MARKS, UNICODE_MARKS, Cell, Marks, Plot
from luna_tui.console.render.chart.loss_series import Series, loss_range

NO_TRAINING = "no training yet: t trains the next generation"

_NARROWEST_WITH_LABELS = 20
_LOWEST_WITH_STEPS = 4
_LOWEST_WITH_RULE = 7
_LABEL_WIDTH = 4  # fits most labels, so that the plot stays in place when the scale changes


def draw_chart(
    curve: Curve,
    ghost: Curve | None,
    *,
    width: int,
    height: int,
    total: int,
    window: tuple[int, int] | None,
    log_scale: bool,
    show_raw: bool,
    glyphs: Glyphs,
    ghost_name: str = "",
) -> list[Text]:
    """Return `height` lines of at most `width` cells; `window` is a range of steps, `ghost` the parent's curve.

    A log scale omits losses of zero and below. The cost grows with width × height, not with the history.
    """
    if width <= 0 or height <= 0:
        return [Text() for _ in range(height)]
    first, last = window or (0, max(total, curve.total))
    last = max(last, first + 1)
    own = Series.of(curve, first, last, width, log_scale=log_scale)
    parent = Series.of(ghost, first, last, width, log_scale=log_scale) if ghost is not None else Series()
    losses = loss_range(own, parent, show_raw=show_raw, log_scale=log_scale)
    if losses is None:
        return draw_sentence(
            _why_empty(curve, window, log_scale), width, height, glyphs, key="t" if curve.last is None else ""
        )
    with_steps, with_rule = height >= _LOWEST_WITH_STEPS, height >= _LOWEST_WITH_RULE
    rows = height - with_steps - with_rule
    marks = ASCII_MARKS if glyphs is ASCII else UNICODE_MARKS
    axis = loss_axis(*losses, rows, log_scale=log_scale)
    gutter = (
        max(axis.label_width, _LABEL_WIDTH) + 2 if width >= max(_NARROWEST_WITH_LABELS, 2 * axis.label_width) else 0
    )
    plot = Plot(axis, first, last, width - gutter, rows, marks)
    plot.add(own, parent, show_raw=show_raw)
    if curve.best is not None and own.losses:
        plot.mark_best(curve.best.step, curve.best.loss)
    if parent.losses:
        plot.name_ghost(safe_line(ascii_text(ghost_name) if glyphs is ASCII else ghost_name), parent)
    labels = plot.tick_labels()
    lines = [_line([*_gutter(labels.get(row), gutter, marks), *plot.cells(row)]) for row in range(rows)]
    steps = plot.step_labels(step_ticks(first, last, plot.width))
    if with_rule:
        lines.append(_rule(gutter, {column for column, _, _ in steps}, plot.width, marks))
    if with_steps:
        lines.append(_step_line(gutter, [(start, label) for _, start, label in steps]))
    return lines


def draw_sentence(sentence: str, width: int, height: int, glyphs: Glyphs, *, key: str = "") -> list[Text]:
    """Return `height` lines with a centred sentence, as much as fits; `key` is a key named in it, to highlight."""
    shown = ascii_text(sentence) if glyphs is ASCII else sentence
    words = textwrap.wrap(safe_line(shown), max(1, width))[: max(0, height)]
    lines = [Text() for _ in range(height)]
    for index, part in enumerate(words, start=(height - len(words)) // 2):
        text = Text(part, spans=[Span(0, len(part), "dim")])
        if key:
            text.highlight_regex(rf"\b{key}\b", "key")
        text.truncate(max(0, width))
        text.pad_left((width - text.cell_len) // 2)
        lines[index] = text
    return lines


def _why_empty(curve: Curve, window: tuple[int, int] | None, log_scale: bool) -> str:
    if curve.last is None:
        return NO_TRAINING
    if window is not None:
        return f"nothing to draw between steps {window[0]} and {window[1]}"
    if curve.not_finite:
        return f"no loss that is a number in {curve.total} steps"
    return "no loss above zero for a log scale" if log_scale else f"no smoothed loss in {curve.total} steps"


def _gutter(label: str | None, width: int, marks: Marks) -> list[Cell]:
    """Return the axis and its label at the left of a row of the plot."""
    if not width:
        return []
    upright = marks.upright if label is None else marks.upright_tick
    return [((label or "").rjust(width - 2) + " ", "dim"), (upright, "dim")]


def _rule(gutter: int, ticks: set[int], width: int, marks: Marks) -> Text:
    rule = "".join(marks.rule_tick if column in ticks else marks.rule for column in range(width))
    corner = " " * (gutter - 1) + marks.corner if gutter else ""
    return _line([(corner + rule, "dim")])


def _step_line(gutter: int, labels: Iterable[tuple[int, str]]) -> Text:
    text = "step ".rjust(gutter) if gutter else ""
    for start, label in labels:
        text = text.ljust(gutter + start) + label
    return _line([(text, "dim")])


def _line(cells: Sequence[Cell]) -> Text:
    """Join cells into a line with one span for each run of a style, without trailing blanks."""
    pieces: list[str] = []
    spans: list[Span] = []
    place = 0
    for style, run in groupby(cells, key=itemgetter(1)):
        piece = "".join(character for character, _ in run)
        if style:
            spans.append(Span(place, place + len(piece), style))
        pieces.append(piece)
        place += len(piece)
    return Text("".join(pieces).rstrip(), spans=spans, no_wrap=True)
