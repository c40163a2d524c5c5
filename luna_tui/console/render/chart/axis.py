"""Axes of the loss chart: a range that rarely changes, ticks at round numbers, labels that are distinct."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LARGEST = 1e150
_SMALLEST_LOG = 1e-150
_FEWEST, _MOST = 3, 5


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: its range, and its ticks with their labels, all of one width."""

    low: float
    high: float
    log_scale: bool
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """Return how far up the axis a value is: 0 at the bottom, 1 at the top, outside of that for a value off the
        axis.
        """
        if not self.log_scale:
            return (value - self.low) / (self.high - self.low)
        return math.log(max(value, _SMALLEST_LOG) / self.low) / math.log(self.high / self.low)

    @property
    def label_width(self) -> int:
        """The width of a label in cells."""
        return len(self.ticks[0][1]) if self.ticks else 0


def usual_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and highest value without outliers, those further out than half the spread of the middle 96 %.

    The start of a run is far from its end but not far from its neighbours, so it stays; a lone spike does not.
    """
    ordered = sorted(values)
    count = len(ordered)
    if count < 8:
        return ordered[0], ordered[-1]
    low, high = ordered[math.ceil(0.02 * (count - 1))], ordered[math.floor(0.98 * (count - 1))]
    fence = (high - low) / 2 or abs(high) / 10
    inside = [value for value in ordered if low - fence <= value <= high + fence]
    return inside[0], inside[-1]


def loss_axis(low: float, high: float, rows: int, *, log_scale: bool) -> Axis:
    """Return an axis that contains `low` to `high` (both positive for a log scale) on `rows` rows of the screen."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        margin = abs(high) / 10 or 0.1
        low, high = low - margin, high + margin
        if low < 0 <= high - margin:
            low = 0.0
    if log_scale:
        return _log_axis(max(low, _SMALLEST_LOG), max(high, 2 * _SMALLEST_LOG), rows)
    low, high, ticks = _linear(low, high, rows)
    return Axis(low, high, False, _labelled(ticks))


def step_ticks(first: int, last: int, room: int) -> list[int]:
    """Return round step numbers within a range, about one to ten cells of `room`."""
    wanted = max(1, room // (max(len(str(last)), 3) + 6))
    magnitude = 10 ** max(0, len(str(max(1, (last - first) // wanted))) - 1)
    step = next((m * magnitude for m in (1, 2, 5) if m * magnitude * wanted >= last - first), 10 * magnitude)
    return list(range(-(-first // step) * step, last + 1, step))


def _linear(low: float, high: float, rows: int) -> tuple[float, float, list[float]]:
    """Return the range widened to half steps, so that it rarely changes, and the steps within it."""
    spread = high - low
    ideal = min(_MOST, max(_FEWEST, rows // 3))
    exponent = math.floor(math.log10(spread))
    best: tuple[tuple[bool, float], float, float, list[float]] | None = None
    for step in (m * 10.0**e for e in (exponent - 1, exponent) for m in (1, 2, 2.5, 5)):
        half = step / 2
        bottom, top = math.floor(low / half + 1e-9) * half, math.ceil(high / half - 1e-9) * half
        ticks = [n * step for n in range(math.ceil(bottom / step - 1e-9), math.floor(top / step + 1e-9) + 1)]
        waste = (top - bottom) / spread - 1
        cost = (not _FEWEST <= len(ticks) <= _MOST, waste + abs(len(ticks) - ideal) / 4)
        if best is None or cost < best[0]:
            best = cost, bottom, top, ticks
    assert best is not None
    return best[1], best[2], best[3]


def _log_axis(low: float, high: float, rows: int) -> Axis:
    tenth = math.floor(math.log10(low) * 10 + 1e-9), math.ceil(math.log10(high) * 10 - 1e-9)
    low, high = 10 ** (tenth[0] / 10), 10 ** (max(tenth[1], tenth[0] + 1) / 10)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    choices = [
        [m * 10.0**e for e in range(first, last + 1) for m in mantissas]
        for mantissas in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
    ]
    every = max(1, math.ceil((last - first) / (_MOST - 1)))
    choices.append([10.0**e for e in range(-(-first // every) * every, last + 1, every)])
    choices.append(_linear(low, high, rows)[2])
    inside = [[tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)] for ticks in choices]
    fitting = (ticks for ticks in inside if _FEWEST <= len(ticks) <= _MOST)
    chosen = next(fitting, max(inside, key=lambda ticks: min(len(ticks), 2 * _MOST - len(ticks))))
    return Axis(low, high, True, _labelled(chosen))


def _labelled(ticks: Sequence[float]) -> tuple[tuple[float, str], ...]:
    """Return the ticks with labels of one width: as many decimals as needed, powers of ten where that is too long."""
    largest = max((abs(tick) for tick in ticks), default=0.0)
    for decimals in range(6):
        labels = [f"{tick:.{decimals}f}" for tick in ticks]
        if largest < 1e5 and all(
            math.isclose(float(label), tick, rel_tol=1e-6, abs_tol=1e-12 * largest)
            for label, tick in zip(labels, ticks, strict=True)
        ):
            return _aligned(ticks, labels)
    powers = ([_power(tick, decimals) for tick in ticks] for decimals in range(17))
    return _aligned(ticks, next((labels for labels in powers if len(set(labels)) == len(ticks)), [""] * len(ticks)))


def _aligned(ticks: Sequence[float], labels: Sequence[str]) -> tuple[tuple[float, str], ...]:
    width = max(map(len, labels), default=0)
    return tuple((tick, label.rjust(width)) for tick, label in zip(ticks, labels, strict=True))


def _power(value: float, decimals: int) -> str:
    mantissa, exponent = f"{value:.{decimals}e}".split("e")
    return f"{mantissa}e{int(exponent)}" if value else "0"
