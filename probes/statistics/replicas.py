"""The same training with other seeds: how far chance alone moves a score, and whether two ways of training differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

from probes.statistics.student_t import t_quantile

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
        """Return the spread as plain JSON values."""
        return {name: getattr(self, name) for name in ("mean", "sd", "low", "high", "n")}


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of a score over repeats, with Bessel's correction; raises ValueError when there are none."""
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
        """Return the difference as plain JSON values."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "seeds": list(self.seeds),
            "verdict": self.verdict,
        }


def difference(first: Sequence[Mapping[str, float]], second: Sequence[Mapping[str, float]]) -> Difference:
    """Compare two ways of training, each given as one mapping item id → score (0 or 1) for every seed it was run with.

    The interval is Student's t around the difference of the two means. Its variance covers seeds and items: that of the
    seeds' means (Welch), and that of the items' differences as far as it exceeds what the seeds explain. Resampling a
    handful of seeds, as a bootstrap would, makes the interval too narrow. With a single run of one way nothing is known
    of chance, and the interval is -1 to 1. Raises ValueError without a run or a shared item. Source: B. L. Welch
    (1947), Biometrika 34:28-35; F. E. Satterthwaite (1946), Biometrics Bulletin 2:110-114; the components of two
    crossed factors: S. R. Searle, G. Casella, C. McCulloch (1992), "Variance Components", chapter 4.
    """
    if not first or not second:
        raise ValueError("difference: each way needs at least one run")
    runs = [*first, *second]
    shared = sorted(item for item in runs[0] if all(item in run for run in runs))
    if not shared:
        raise ValueError("the runs were never asked the same items")
    before = [[run[item] for item in shared] for run in first]
    after = [[run[item] for item in shared] for run in second]
    n, seeds = len(shared), (len(first), len(second))
    value = _mean([_mean(row) for row in after]) - _mean([_mean(row) for row in before])
    if min(seeds) < 2:
        return Difference(value, -1.0, 1.0, n, seeds)
    error, df = _error([before, after])
    margin = t_quantile(0.975, df) * error
    return Difference(value, max(-1.0, value - margin), min(1.0, value + margin), n, seeds)


def _error(ways: Sequence[Sequence[Sequence[float]]]) -> tuple[float, float]:
    """Return the standard error of the difference of two ways' means, and its degrees of freedom.

    The error is over seeds and items.
    """
    by_item = [[_mean(scores) for scores in zip(*rows, strict=True)] for rows in ways]
    changes = [after - before for before, after in zip(*by_item, strict=True)]
    n = len(changes)
    items = _variance(changes) / n if n > 1 else 0.0
    # Where no item ever changed with the seed and all seeds' means agree, only the items carry the uncertainty.
    parts = [(_variance([_mean(row) for row in rows]) / len(rows), len(rows) - 1) for rows in ways]
    if not any(part for part, _ in parts):
        return sqrt(items), max(1, n - 1)
    # Two seeds of one way disagree on an item by chance; a difference of the ways themselves is what exceeds that.
    chance = sum(_mean([_variance(scores) for scores in zip(*rows, strict=True)]) / len(rows) for rows in ways) / n
    parts.append((max(0.0, items - chance), max(1, n - 1)))
    total = sum(part for part, _ in parts)
    return sqrt(total), total**2 / sum(part**2 / df for part, df in parts)


def _variance(values: Sequence[float]) -> float:
    """Return the sample variance of at least two values."""
    mean = _mean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
