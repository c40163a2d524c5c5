"""Draws a number's recent values as a row of small bars on one line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from luna_tui.common.terminal import ASCII, Glyphs

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=^#"


def sparkline(
    values: Sequence[float], width: int, glyphs: Glyphs, *, low: float | None = None, high: float | None = None
) -> str:
    """Return at most `width` characters, each the mean of its share of the values; NaN is drawn as a space.

    The bars range from `low` to `high`, or from the lowest to the highest mean; equal values are drawn half high, zeros
    as the lowest bar.
    """
    means = _means(values, width)
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite:
        return " " * len(means)
    bottom = min(finite) if low is None or not math.isfinite(low) else low
    top = max(finite) if high is None or not math.isfinite(high) else high
    return "".join(_bar(mean, bottom, top, _ASCII_BARS if glyphs is ASCII else _BARS) for mean in means)


def _means(values: Sequence[float], width: int) -> list[float]:
    width = min(max(0, width), len(values))
    edges = [index * len(values) // width for index in range(width + 1)] if width else []
    means: list[float] = []
    for start, stop in pairwise(edges):
        finite = [value for value in values[start:stop] if math.isfinite(value)]
        means.append(math.fsum(value / len(finite) for value in finite) if finite else math.nan)
    return means


def _bar(value: float, low: float, high: float, bars: str) -> str:
    if not math.isfinite(value):
        return " "
    if high <= low:
        return bars[0] if value == 0 else bars[(len(bars) - 1) // 2]
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.0
    return bars[min(len(bars) - 1, max(0, int(min(1.0, max(0.0, share)) * len(bars))))]
