"""The loss pane: a legend, the chart, and the numbers of the last step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from engine.core.events import TrainStep
from luna_tui.common import figures
from luna_tui.common.loss_curve import Curve, LossPoint
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.console.render.chart.loss_chart import draw_chart, draw_sentence
from luna_tui.console.render.chart.loss_plot import ASCII_MARKS
from luna_tui.console.render.chart.sparkline import sparkline

_LOWEST_WITH_LEGEND = 6
_LOWEST_WITH_TWO_READOUTS = 8
_LOWEST_WITH_READOUT = 5
_LONGEST_NAME = 24

# A piece of a line with its importance: the least important ones are dropped where there is no room.
Part = tuple[int, Text]


@dataclass(frozen=True, slots=True)
class LossView:
    """The loss pane's contents: a run's curve, its parent's behind it, and the last step while the run continues.

    `total` is the number of steps planned, `window` the range of steps zoomed to.
    """

    title: str
    curve: Curve
    ghost: Curve | None
    ghost_name: str
    step: TrainStep | None
    total: int
    window: tuple[int, int] | None
    log_scale: bool
    show_raw: bool
    running: bool


def draw_loss_pane(view: LossView, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return `height` lines of at most `width` cells: legend, chart with its axes, and up to two lines of numbers."""
    if view.curve.last is None and (view.ghost is None or view.ghost.last is None):
        return draw_sentence(_nothing_yet(view), width, height, glyphs, key="t" if not view.title else "")
    above = [_legend(view, width, glyphs)] if height >= _LOWEST_WITH_LEGEND else []
    below: list[Text] = []
    if view.curve.last is not None and height >= _LOWEST_WITH_READOUT:
        below.append(_losses(view, view.curve.last, width))
    if view.curve.last is not None and height >= _LOWEST_WITH_TWO_READOUTS:
        below.append(_speeds(view, view.curve.last, width, glyphs))
    chart = draw_chart(
        view.curve,
        view.ghost,
        width=width,
        height=height - len(above) - len(below),
        total=view.total,
        window=view.window,
        log_scale=view.log_scale,
        show_raw=view.show_raw,
        glyphs=glyphs,
        ghost_name=view.ghost_name,
    )
    if glyphs is ASCII:
        above, below = [in_ascii(line) for line in above], [in_ascii(line) for line in below]
    lines = [*above, *chart, *below]
    for line in lines:
        line.truncate(width)  # the axis has a minimum width of its own
    return lines


def _nothing_yet(view: LossView) -> str:
    title = safe_line(view.title)
    if view.running:
        return f"{title}: waiting for the first training step".removeprefix(": ")
    return f"no loss curve of {title} here" if title else "no training yet: t trains the next generation"


def _legend(view: LossView, width: int, glyphs: Glyphs) -> Text:
    marks = (ASCII_MARKS.smooth, ASCII_MARKS.raw, ASCII_MARKS.ghost * 2) if glyphs is ASCII else ("━", "⢕", "╍╍")
    parts: list[Part] = [(10, Text(_named(view.title, glyphs), "title"))] if view.title else []
    parts.append((9, Text(marks[0], "smooth").append(" smoothed", "dim")))
    if view.show_raw:
        parts.append((6, Text(marks[1], "raw").append(" raw", "dim")))
    if view.ghost is not None and view.ghost.last is not None and view.ghost_name:
        parts.append((7, Text(marks[2], "ghost").append(f" {_named(view.ghost_name, glyphs)}, the parent", "dim")))
    if view.curve.best is not None:
        best = ASCII_MARKS.best if glyphs is ASCII else "◆"
        parts.append((3, Text(best, "accent").append(" best", "dim")))
    if view.log_scale:
        parts.append((5, Text("log scale", "accent")))
    if view.window is not None:
        parts.append((8, Text(f"steps {view.window[0]}{glyphs.dash}{view.window[1]}", "accent")))
    if view.curve.not_finite:
        count = view.curve.not_finite
        parts.append((9, Text(f"{count} {'loss' if count == 1 else 'losses'} not a number", "bad")))
    return _fitted(parts, width)


def _losses(view: LossView, last: LossPoint, width: int) -> Text:
    best, step = view.curve.best, view.step
    parts: list[Part] = [
        (10, _field("loss", _loss(last.loss), "bold" if math.isfinite(last.loss) else "bad")),
        (9, Text(f"(smoothed {_loss(last.smoothed)})", "smooth")),
    ]
    if best is not None:
        parts.append((8, _field("best", f"{_loss(best.loss)} @ {best.step:<3}")))
    total = max(view.total, last.step)
    parts.append((7, _field("step", f"{last.step:>{len(str(total))}}/{total}")))
    if view.running and step is not None:
        parts.append((6, Text(f"{figures.duration(step.eta_s)} left", "dim")))
    return _fitted(parts, width)


def _speeds(view: LossView, last: LossPoint, width: int, glyphs: Glyphs) -> Text:
    bars = 7 if width < 120 else 16
    buckets = view.curve.buckets(4 * bars)
    rates = sparkline([bucket.lr for bucket in buckets], bars, glyphs, low=0.0)
    norms = sparkline([bucket.grad_norm for bucket in buckets], bars, glyphs)
    parts: list[Part] = [
        (10, _field("lr", f"{_rate(last.lr):<6}")),
        (5, Text(rates.ljust(bars), "smooth")),
        (8, _field("grad", f"{_size(last.grad_norm):<5}", "" if math.isfinite(last.grad_norm) else "bad")),
        (4, Text(norms.ljust(bars), "smooth")),
        (9, Text(f"{_whole(last.tokens_per_s):>4}").append(" tok/s", "label")),
    ]
    if view.running and view.step is not None and view.step.stage:
        parts.append((7, _field("feeding", _named(view.step.stage, glyphs))))
    return _fitted(parts, width)


def _fitted(parts: Sequence[Part], width: int) -> Text:
    """Join the parts in order, with gaps; if not all fit, keep the most important ones that do."""
    kept: set[int] = set()
    room = width - 1
    for index in sorted(range(len(parts)), key=lambda index: -parts[index][0]):
        cells = parts[index][1].cell_len + (_gap(parts[index][1]) if kept else 0)
        if cells <= room:
            kept.add(index)
            room -= cells
    line = Text(" ", no_wrap=True)
    for place, index in enumerate(sorted(kept)):
        line.append(" " * _gap(parts[index][1]) if place else "").append_text(parts[index][1])
    line.truncate(max(0, width))
    return line


def _gap(part: Text) -> int:
    """Return the blanks before a part: a remark in brackets belongs to what it follows."""
    return 1 if part.plain.startswith("(") else 2


def _field(label: str, value: str, style: str = "") -> Text:
    return Text(label, "label").append(" ").append(value, style or None)


def _named(name: str, glyphs: Glyphs) -> str:
    shown = safe_line(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - len(glyphs.ellipsis)] + glyphs.ellipsis


def _loss(value: float | None) -> str:
    if value is None:
        return figures.loss(None)
    return figures.loss(value) if 0.01 <= abs(value) < 1e5 or value == 0 else _rate(value)


def _rate(value: float) -> str:
    return figures.learning_rate(value) if math.isfinite(value) else str(value)


def _size(value: float) -> str:
    return f"{value:.2f}" if value == 0 or 0.1 <= abs(value) < 1000 else _rate(value)


def _whole(value: float) -> str:
    return f"{value:.0f}" if abs(value) < 1e6 else _rate(value)
