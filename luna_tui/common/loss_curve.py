"""A run's loss curve: bounded history as a frozen value that can be read at any resolution at once."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from engine.core.events import TrainStep
from luna_tui.common.run_state import RunState, reduce

# With their coarser copies (a half, a quarter, …) these add up to fewer than 4096 buckets.
FINEST = 2048


@dataclass(frozen=True, slots=True)
class LossPoint:
    """One optimizer step as it was added; losses in nats per trained token."""

    step: int
    loss: float
    smoothed: float | None
    lr: float
    grad_norm: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """Adjacent steps merged into one: `low`, `high` and `mean` of the `finite` losses among `count`, NaN if there is
    none.

    `smoothed` and `lr` are the last ones, `best` is the lowest smoothed loss and `best_step` its step, `grad_norm` is
    the highest and `tokens_per_s` the mean.
    """

    first: int
    last: int
    count: int
    finite: int
    low: float
    high: float
    mean: float
    smoothed: float
    best: float
    best_step: int
    lr: float
    grad_norm: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Best:
    """The lowest smoothed loss and the step at which it was reached."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The loss history of a run; `add` returns a new curve and leaves the old one unchanged. Curves compare by
    identity.

    Snapshots share their lists: a curve reads only the first `_closed` buckets of the finest level, and as many of the
    coarser levels as these fill, so that appending changes no older snapshot. Bucket `i` of level `j` merges the finest
    buckets `i·2^j … (i+1)·2^j - 1`.
    """

    last: LossPoint | None = None
    best: Best | None = None
    not_finite: int = 0
    stride: int = 1
    _closed: int = 0
    _open: Bucket | None = None
    _levels: list[list[Bucket]] = field(default_factory=lambda: [[]], repr=False)

    @classmethod
    def from_events(cls, events: Iterable[TrainStep]) -> Curve:
        """Return the curve of a journal's training steps, smoothed the same way as a live run's."""
        curve, state = cls(), RunState()
        for event in events:
            state = reduce(state, event)
            curve = curve.add(event.step, event.loss, state.smoothed, event.lr, event.grad_norm, event.tokens_per_s)
        return curve

    @property
    def total(self) -> int:
        """The number of the last step, 0 before the first."""
        return self.last.step if self.last else 0

    def add(
        self, step: int, loss: float, smoothed: float | None, lr: float, grad_norm: float, tokens_per_s: float
    ) -> Curve:
        """Return the curve with one more step; a step that is not new (a resume from a checkpoint) first drops the
        history from that step on.
        """
        point = LossPoint(step, loss, smoothed, lr, grad_norm, tokens_per_s)
        kept = self if self.last is None or step > self.last.step else self._before(step)
        bucket = _bucket(point)
        best = kept.best
        if not math.isnan(bucket.best) and (best is None or bucket.best < best.loss):
            best = Best(step, bucket.best)
        joined = bucket if kept._open is None else _joined(kept._open, bucket)
        grown = replace(kept, last=point, best=best, not_finite=kept.not_finite + bucket.count - bucket.finite)
        return replace(grown, _open=joined) if joined.count < kept.stride else grown._closing(joined)

    def buckets(self, at_most: int = FINEST, window: tuple[int, int] | None = None) -> list[Bucket]:
        """Return about `at_most` buckets in order of their steps; with a window of steps, those that overlap it and one
        more on either side, so that a line can be drawn to the edge.
        """
        start, stop, finest = 0, self._closed, self._levels[0]
        if window is not None:
            start = max(0, bisect_left(finest, window[0], hi=stop, key=lambda bucket: bucket.last) - 1)
            stop = min(stop, bisect_right(finest, window[1], hi=stop, key=lambda bucket: bucket.first) + 1)
        level = 0
        while (stop - start) >> level > max(1, at_most):
            level += 1
        found = list(self._cover(start, stop, level))
        return found if self._open is None or stop < self._closed else [*found, self._open]

    def _cover(self, start: int, stop: int, coarsest: int) -> Iterator[Bucket]:
        while start < stop:
            level = coarsest
            while start % (1 << level) or start + (1 << level) > stop:
                level -= 1
            yield self._levels[level][start >> level]
            start += 1 << level

    def _closing(self, bucket: Bucket) -> Curve:
        levels, closed = self._levels, self._closed + 1
        if len(levels[0]) != self._closed:  # another curve has already appended to the shared lists
            levels = [entries[: self._closed >> level] for level, entries in enumerate(levels)]
        levels[0].append(bucket)
        level = 1
        while closed % (1 << level) == 0:
            if level == len(levels):
                levels.append([])
            levels[level].append(_joined(*levels[level - 1][-2:]))
            level += 1
        if closed < FINEST:
            return replace(self, _levels=levels, _closed=closed, _open=None)
        coarser = [list(entries) for entries in levels[1:]]
        return replace(self, _levels=coarser, _closed=closed // 2, _open=None, stride=self.stride * 2)

    def _before(self, step: int) -> Curve:
        # A bucket that contains the step is dropped as a whole: what is drawn must have happened before the step.
        closed = bisect_left(self._levels[0], step, hi=self._closed, key=lambda bucket: bucket.last)
        kept = self._levels[0][:closed]
        lowest = min((b for b in kept if not math.isnan(b.best)), key=lambda bucket: bucket.best, default=None)
        return replace(
            self,
            last=None,
            best=Best(lowest.best_step, lowest.best) if lowest else None,
            not_finite=sum(bucket.count - bucket.finite for bucket in kept),
            _closed=closed,
            _open=None,
        )


def _bucket(point: LossPoint) -> Bucket:
    finite = math.isfinite(point.loss)
    loss = point.loss if finite else math.nan
    smoothed = point.smoothed if point.smoothed is not None and math.isfinite(point.smoothed) else math.nan
    grad_norm = point.grad_norm if math.isfinite(point.grad_norm) else math.nan
    speed = point.tokens_per_s if math.isfinite(point.tokens_per_s) else math.nan
    step = point.step
    return Bucket(
        step, step, 1, int(finite), loss, loss, loss, smoothed, smoothed, step, point.lr, grad_norm, speed
    )  # fmt: skip


def _joined(one: Bucket, other: Bucket) -> Bucket:
    earlier = math.isnan(other.best) or one.best <= other.best
    return Bucket(
        first=one.first,
        last=other.last,
        count=one.count + other.count,
        finite=one.finite + other.finite,
        low=_lower(one.low, other.low),
        high=-_lower(-one.high, -other.high),
        mean=_mean(one.mean, one.finite, other.mean, other.finite),
        smoothed=one.smoothed if math.isnan(other.smoothed) else other.smoothed,
        best=one.best if earlier else other.best,
        best_step=one.best_step if earlier else other.best_step,
        lr=other.lr,
        grad_norm=-_lower(-one.grad_norm, -other.grad_norm),
        tokens_per_s=_mean(one.tokens_per_s, one.count, other.tokens_per_s, other.count),
    )


def _lower(one: float, other: float) -> float:
    if math.isnan(one) or math.isnan(other):
        return other if math.isnan(one) else one
    return min(one, other)


def _mean(one: float, weight: int, other: float, other_weight: int) -> float:
    if math.isnan(one) or math.isnan(other):
        return other if math.isnan(one) else one
    share = weight / (weight + other_weight)
    return one * share + other * (1 - share)  # not computed from a sum, which could overflow
