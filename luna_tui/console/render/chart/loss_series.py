"""The part of a curve that a chart shows: the buckets of its steps as drawable values, and their range."""

from __future__ import annotations

import math
from dataclasses import dataclass

from luna_tui.common.loss_curve import Curve
from luna_tui.console.render.chart.axis import LARGEST, usual_range

_BUCKETS_A_CELL = 4
_ENOUGH_OF_ITS_OWN = 8


@dataclass(frozen=True, slots=True)
class Series:
    """Points of the smoothed curve, (step, loss), and raw losses, (step, lowest, highest).

    The line extends to a neighbour on either side of the steps shown; `raw` and `losses`, the smoothed values that
    determine the scale, do not.
    """

    smooth: tuple[tuple[int, float], ...] = ()
    raw: tuple[tuple[float, float, float], ...] = ()
    losses: tuple[float, ...] = ()

    @classmethod
    def of(cls, curve: Curve, first: int, last: int, width: int, *, log_scale: bool) -> Series:
        """Return the steps `first` to `last` of a curve, in as many points as a chart of `width` cells can resolve."""
        floor = 0.0 if log_scale else -math.inf
        smooth: list[tuple[int, float]] = []
        raw: list[tuple[float, float, float]] = []
        losses: list[float] = []
        for bucket in curve.buckets(_BUCKETS_A_CELL * width, (first, last)):
            within = bucket.first <= last and bucket.last >= first
            if bucket.smoothed > floor:  # always false for NaN, which means that there is no value
                smooth.append((bucket.last, bucket.smoothed))
                if within:
                    losses.append(bucket.smoothed)
            if within and bucket.high > floor:
                low = bucket.low if bucket.low > floor else bucket.high
                raw.append(((bucket.first + bucket.last) / 2, low, bucket.high))
        return cls(tuple(smooth), tuple(raw), tuple(losses))


def loss_range(own: Series, parent: Series, *, show_raw: bool, log_scale: bool) -> tuple[float, float] | None:
    """Return the lowest and highest loss a chart has to show, None when there is nothing to show.

    All of the smoothed curve counts, raw losses except lone spikes, and of the parent's curve as much as leaves a third
    of the height to the run's own.
    """
    values = list(own.losses)
    if show_raw and own.raw:
        values += usual_range([value for _, low, high in own.raw for value in (low, high)])
    if parent.losses:
        low, high = usual_range(parent.losses)
        if len(own.losses) >= _ENOUGH_OF_ITS_OWN and not log_scale:
            spread = max(values) - min(values)
            lowest, highest = min(values) - spread, max(values) + spread
            low, high = min(max(low, lowest), highest), max(min(high, highest), lowest)
        values += [low, high]
    return (_bounded(min(values)), _bounded(max(values))) if values else None


def _bounded(value: float) -> float:
    return min(LARGEST, max(-LARGEST, value))
