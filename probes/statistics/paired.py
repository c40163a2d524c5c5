"""Two models on the same items: what the second gained and lost against the first, and whether chance explains it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from probes.statistics.intervals import wilson

NOISE = 0.05
"""A difference at least this probable by chance alone is called noise."""


@dataclass(frozen=True, slots=True)
class Paired:
    """`won` items only the second model has right, `lost` only the first, of the `n` items that both were run on.

    `difference` is second minus first as a share; `p` is the probability of so uneven a split if neither is better;
    `low` and `high` bound the difference with 95 %.
    """

    n: int
    won: int
    lost: int
    difference: float
    p: float
    low: float
    high: float

    @property
    def within_noise(self) -> bool:
        """Whether chance alone explains the difference, by `p` and `NOISE`."""
        return self.p >= NOISE

    @property
    def verdict(self) -> str:
        """The outcome for the second model: `better`, `worse` or `within noise`."""
        return "within noise" if self.within_noise else "better" if self.won > self.lost else "worse"

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        names = ("n", "won", "lost", "difference", "p", "low", "high", "verdict")
        return {name: getattr(self, name) for name in names}


def mcnemar(won: int, lost: int) -> float:
    """Return the exact two-sided McNemar p-value: the probability of a split at least as uneven if both are equal.

    1.0 when nothing differs. Raises ValueError for negative counts. Source: Q. McNemar (1947), Psychometrika
    12:153-157, with the binomial distribution in place of the approximation: min(1, 2 · P(X ≤ min)), X ~ B(n, 1/2).
    """
    if won < 0 or lost < 0:
        raise ValueError(f"mcnemar: counts are not negative, got {won} and {lost}")
    n, fewer = won + lost, min(won, lost)
    return min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n)


def bootstrap(differences: Sequence[float], *, seed: int = 0, samples: int = 2000) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean of paired differences, resampled with a seed; (0, 0) for none.

    Source: B. Efron (1979), "Bootstrap methods: another look at the jackknife", Ann. Stat. 7:1-26.
    """
    if not differences:
        return (0.0, 0.0)
    chance, n = random.Random(seed), len(differences)
    means = sorted(sum(chance.choices(differences, k=n)) / n for _ in range(samples))
    return means[int(0.025 * samples)], means[min(samples - 1, int(0.975 * samples))]


def compare(first: Mapping[str, float], second: Mapping[str, float], *, seed: int = 0) -> Paired:
    """Compare scores by item id on the items both have; an item is right at 0.5 and above.

    Raises ValueError when they have no item in common: exams of different items cannot be paired.
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        raise ValueError("the two were never asked the same items, so they cannot be compared pair by pair")
    changes = [(second[item] >= 0.5) - (first[item] >= 0.5) for item in shared]
    won, lost = changes.count(1), changes.count(-1)
    low, high = bootstrap(changes, seed=seed)
    return Paired(len(shared), won, lost, (won - lost) / len(shared), mcnemar(won, lost), low, high)


def fewest_items(target: float) -> int:
    """Return how many items an exam needs for a perfect score to be surely above the target (95 % Wilson interval).

    Raises ValueError unless 0 ≤ target < 1.
    """
    if not 0 <= target < 1:
        raise ValueError(f"a target is a share below 1, got {target}")
    n = 1
    while wilson(n, n)[0] <= target:
        n += 1
    return n
