"""The inside of the loss chart: three series and a few markers on one grid of cells."""

from __future__ import annotations

from dataclasses import dataclass

from luna_tui.console.render.chart.axis import Axis
from luna_tui.console.render.chart.braille import DotGrid
from luna_tui.console.render.chart.loss_series import Series

Cell = tuple[str, str]
_BLANK: Cell = (" ", "")
# Dots drawn and skipped along the parent's curve: two cells, then a gap of one.
_DASH, _GAP = 4, 2
_FAR = 1e6


@dataclass(frozen=True, slots=True)
class Marks:
    """The symbols drawn beside braille dots, and instead of them where `smooth`, `ghost` and `raw` are set."""

    upright: str = "│"
    upright_tick: str = "┤"
    corner: str = "└"
    rule: str = "─"
    rule_tick: str = "┴"
    best: str = "◆"
    above: str = "▴"
    below: str = "▾"
    smooth: str = ""
    ghost: str = ""
    raw: str = ""


UNICODE_MARKS = Marks()
ASCII_MARKS = Marks("|", "+", "+", "-", "+", "o", "^", "v", smooth="*", ghost="-", raw=".")


class Plot:
    """A plot of `width` × `height` cells over the steps `first` to `last` and the range of an axis."""

    def __init__(self, axis: Axis, first: int, last: int, width: int, height: int, marks: Marks) -> None:
        self._axis, self._first, self._last = axis, first, last
        self.width, self.height = width, height
        self._marks = marks
        self._smooth = DotGrid(width, height, marks.smooth)
        self._ghost = DotGrid(width, height, marks.ghost)
        self._raw = DotGrid(width, height, marks.raw)
        self._over: dict[tuple[int, int], Cell] = {}
        self._under: dict[tuple[int, int], Cell] = {}

    def add(self, own: Series, parent: Series, *, show_raw: bool) -> None:
        """Draw the curves: the parent's dashed, raw losses as dots, or as strokes where a dot would stand for many."""
        self._smooth.line([self._place(step, loss) for step, loss in own.smooth])
        self._ghost.line([self._place(step, loss) for step, loss in parent.smooth], on=_DASH, off=_GAP)
        for step, low, high in own.raw if show_raw else ():
            column, top = map(round, self._place(step, high))
            bottom = top if low == high else round(self._place(step, low)[1])
            self._raw.stroke(column, top, bottom)
            cell = min(self.width - 1, max(0, column // self._raw.across))
            if top < 0:
                self._under[cell, 0] = self._marks.above, "raw"
            if bottom >= self._raw.rows:
                self._under[cell, self.height - 1] = self._marks.below, "raw"

    def mark_best(self, step: int, loss: float) -> None:
        """Mark the lowest point of the smoothed curve, if it is visible."""
        if self._first <= step <= self._last and (loss > 0 or not self._axis.log_scale):
            column, row = self._cell(step, loss)
            if 0 <= row < self.height:
                self._over[column, row] = self._marks.best, "accent"

    def name_ghost(self, name: str, parent: Series) -> None:
        """Write the parent's name where its curve ends: on the nearest row where it covers no curve."""
        step, loss = next((point for point in reversed(parent.smooth) if point[0] <= self._last), parent.smooth[0])
        column, at = self._cell(step, loss)
        end = min(self.width, column + 1)
        start = end - len(name)
        if start < 0 or not name.isascii():
            return
        for row in (at - 1, at + 1, at - 2, at + 2):
            if 0 <= row < self.height and not any(self._smooth.row(row)[start:end] + self._ghost.row(row)[start:end]):
                self._under.update({(start + n, row): (name[n], "ghost") for n in range(len(name))})
                return

    def cells(self, row: int) -> list[Cell]:
        """Return a row's characters with their styles; where two series meet, only the more important one is drawn."""
        cells: list[Cell] = [
            (smooth, "smooth") if smooth else (ghost, "ghost") if ghost else (raw, "raw") if raw else _BLANK
            for smooth, ghost, raw in zip(self._smooth.row(row), self._ghost.row(row), self._raw.row(row), strict=True)
        ]
        for (column, marked_row), cell in self._under.items():
            if marked_row == row and cells[column][1] in ("", "raw"):
                cells[column] = cell
        for (column, marked_row), cell in self._over.items():
            if marked_row == row:
                cells[column] = cell
        return cells

    def tick_labels(self) -> dict[int, str]:
        """Return the axis labels by the row they belong to."""
        labels: dict[int, str] = {}
        for value, label in self._axis.ticks:
            labels.setdefault(self._cell(self._first, value)[1], label)
        return labels

    def step_labels(self, steps: list[int]) -> list[tuple[int, int, str]]:
        """Return (cell of the tick, cell where the label begins, label) for the steps whose labels fit.

        The last step is placed first of all; the list is empty where not even that one fits.
        """
        if len(str(self._last)) > self.width:
            return []
        placed = [self._step_label(self._last)]
        for step in steps:
            label = self._step_label(step)
            left_of_last = label[1] + len(label[2]) + 2 <= placed[0][1]
            if left_of_last and (len(placed) == 1 or label[1] >= placed[-1][1] + len(placed[-1][2]) + 2):
                placed.append(label)
        return sorted(placed)

    def _step_label(self, step: int) -> tuple[int, int, str]:
        column, text = self._cell(step, self._axis.low)[0], str(step)
        return column, min(max(0, column - len(text) // 2), max(0, self.width - len(text))), text

    def _cell(self, step: float, loss: float) -> tuple[int, int]:
        column, row = self._place(step, loss)
        return round(column) // self._smooth.across, round(row) // self._smooth.down

    def _place(self, step: float, loss: float) -> tuple[float, float]:
        """Return the dot position of a step and loss, clamped so that far-off values can be rounded to integers."""
        column = (step - self._first) / (self._last - self._first) * (self._smooth.columns - 1)
        share = min(_FAR, max(-_FAR, self._axis.share(loss)))
        return min(_FAR, max(-_FAR, column)), (1 - share) * (self._smooth.rows - 1)
