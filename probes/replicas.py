"""The same training with other seeds: how far chance alone moves a score, and whether two ways of training differ."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

Verdict = Literal["better", "worse", "within noise"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A score over repeats: mean, sample standard deviation (0 for a single one), smallest, greatest, how many."""

    mean: float
    sd: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """The spread as plain JSON values."""
        return {name: getattr(self, name) for name in ("mean", "sd", "low", "high", "n")}


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of a score over repeats, with Bessel's correction; raises ValueError for none."""
    if not values:
        raise ValueError("spread: no repeat to tell anything from")
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return Spread(
        mean, sqrt(squares / (len(values) - 1)) if len(values) > 1 else 0.0, min(values), max(values), len(values)
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """Second way minus first, as a share of the items, with a 95 % interval over seeds and items."""

    value: float
    low: float
    high: float
    n: int
    seeds: tuple[int, int]

    @property
    def verdict(self) -> Verdict:
        """`better` or `worse` where the whole interval says so, else `within noise`."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "within noise"

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain JSON values."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "seeds": list(self.seeds),
            "verdict": self.verdict,
        }


def difference(
    first: Sequence[Mapping[str, float]], second: Sequence[Mapping[str, float]], *, seed: int = 0, samples: int = 2000
) -> Difference:
    """Compare two ways of training, each given as one mapping item id → score (0 or 1) for every seed it was run with.

    Both the seeds and the items are resampled, each with replacement, items as pairs: what another seed or another exam
    of the same kind could have changed is inside the interval. Raises ValueError without a run or a shared item.
    Source: B. Efron, R. Tibshirani (1993), "An Introduction to the Bootstrap", chapters 8 and 13 (percentile interval);
    resampling two crossed factors: A. Owen (2007), "The pigeonhole bootstrap", Ann. Appl. Stat. 1:386-411.
    """
    if not first or not second:
        raise ValueError("difference: each way needs at least one run")
    runs = [*first, *second]
    shared = sorted(item for item in runs[0] if all(item in run for run in runs))
    if not shared:
        raise ValueError("the runs were never asked the same items")
    before = [[run[item] for item in shared] for run in first]
    after = [[run[item] for item in shared] for run in second]
    chance, n = random.Random(seed), len(shared)
    drawn: list[float] = []
    for _ in range(samples):
        rows_before = chance.choices(before, k=len(before))
        rows_after = chance.choices(after, k=len(after))
        items = chance.choices(range(n), k=n)
        drawn.append(_mean(rows_after, items) - _mean(rows_before, items))
    drawn.sort()
    value = _mean(after, range(n)) - _mean(before, range(n))
    low, high = drawn[int(0.025 * samples)], drawn[min(samples - 1, int(0.975 * samples))]
    return Difference(value, low, high, n, (len(first), len(second)))


def _mean(rows: Sequence[Sequence[float]], items: Sequence[int]) -> float:
    return sum(sum(map(row.__getitem__, items)) for row in rows) / (len(rows) * len(items))
