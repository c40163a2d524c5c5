"""A grid of dots finer than the screen's cells: 2×4 braille dots a cell, or one ASCII mark a cell."""

from __future__ import annotations

from collections.abc import Iterable

# Unicode numbers a braille cell's dots down the left column, down the right one, then the two of the bottom row.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BRAILLE = ("", *(chr(0x2800 + bits) for bits in range(1, 256)))


class DotGrid:
    """The dots of one series over `width` × `height` cells; dot (0, 0) is at the top left. Dots outside are ignored."""

    def __init__(self, width: int, height: int, ascii_mark: str = "") -> None:
        self.width = width
        self.height = height
        self.across, self.down = (1, 1) if ascii_mark else (2, 4)
        self.columns, self.rows = width * self.across, height * self.down
        self._characters = ("", ascii_mark) if ascii_mark else _BRAILLE
        self._cells = [0] * (width * height)

    def row(self, row: int) -> list[str]:
        """Return a row's characters, empty where there is no dot."""
        characters = self._characters
        return [characters[bits] for bits in self._cells[row * self.width : (row + 1) * self.width]]

    def dot(self, column: int, row: int) -> None:
        """Set one dot; a dot outside the grid is ignored."""
        if 0 <= column < self.columns and 0 <= row < self.rows:
            cell = row // self.down * self.width + column // self.across
            self._cells[cell] |= _BITS[row % self.down][column % self.across]

    def stroke(self, column: int, top: int, bottom: int) -> None:
        """Set a column's dots from `top` to `bottom`."""
        for row in range(max(0, top), min(self.rows - 1, bottom) + 1):
            self.dot(column, row)

    def line(self, points: Iterable[tuple[float, float]], *, on: int = 1, off: int = 0) -> None:
        """Draw line segments through (column, row) points; with `off`, skip that many dots after each `on` dots."""
        period = on + off
        right, bottom = self.columns - 0.5, self.rows - 0.5
        travelled = 0
        before: tuple[float, float] | None = None
        was_inside = False
        reached: tuple[int, int] | None = None
        for point in points:
            is_inside = -0.5 <= point[0] <= right and -0.5 <= point[1] <= bottom
            ends: tuple[float, float, float, float] | None = (*(before or point), *point)
            if not (is_inside and (was_inside or before is None)):
                ends = self._clipped(ends)
            before, was_inside = point, is_inside
            if ends is None:
                continue
            x, y, x_end, y_end = map(round, ends)
            across, down = x_end - x, y_end - y
            length = max(abs(across), abs(down))
            for step in range(int(reached == (x, y)), length + 1):  # the dot already reached is not set again
                if (travelled + step) % period < on:
                    share = step / length if length else 0.0
                    self.dot(x + round(across * share), y + round(down * share))
            travelled += length
            reached = x_end, y_end

    def _clipped(self, ends: tuple[float, float, float, float]) -> tuple[float, float, float, float] | None:
        """Return the part of a line that lies on the grid (Liang and Barsky 1984), None when no part does."""
        x, y, x_end, y_end = ends
        across, down = x_end - x, y_end - y
        enter, leave = 0.0, 1.0
        for distance, inside in (
            (-across, x + 0.5),
            (across, self.columns - 0.5 - x),
            (-down, y + 0.5),
            (down, self.rows - 0.5 - y),
        ):
            if distance == 0:
                if inside < 0:
                    return None
            elif distance < 0:
                enter = max(enter, inside / distance)
            else:
                leave = min(leave, inside / distance)
        if enter > leave:
            return None
        return x + across * enter, y + down * enter, x + across * leave, y + down * leave
