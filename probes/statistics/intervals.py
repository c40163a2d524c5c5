"""Scores with a sample size and an interval, so that no figure is shown without its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any


def wilson(successes: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, as (low, high) within 0–1; (0, 1) when n is 0.

    z = 1.959964 gives 95 %. Raises ValueError unless 0 ≤ successes ≤ n.
    Source: E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22:209–212: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), with p = successes / n.
    """
    if n < 0 or not 0 <= successes <= n:
        raise ValueError(f"wilson: {successes} successes of {n} is not a proportion; need 0 <= successes <= n")
    if n == 0:
        return (0.0, 1.0)
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    margin = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # At the ends the bound is exactly 0 or 1; rounding must not turn it into 1e-17 or 1.0000000002.
    low = 0.0 if successes == 0 else max(0.0, centre - margin)
    high = 1.0 if successes == n else min(1.0, centre + margin)
    return (low, high)


@dataclass(frozen=True, slots=True)
class Score:
    """A share between 0 and 1 of `n` cases, with its 95 % Wilson interval."""

    value: float
    n: int
    low: float
    high: float

    @classmethod
    def of(cls, successes: float, n: int, *, when_empty: float = 0.0) -> Score:
        """Return the score of successes / n; `when_empty` is its value if there were no cases (interval 0–1)."""
        low, high = wilson(successes, n)
        return cls(value=successes / n if n else when_empty, n=n, low=low, high=high)

    def to_dict(self) -> dict[str, Any]:
        """Return the score as plain JSON values."""
        return {"value": self.value, "n": self.n, "low": self.low, "high": self.high}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        """Read what `to_dict` wrote. Raises KeyError or ValueError."""
        return cls(float(data["value"]), int(data["n"]), float(data["low"]), float(data["high"]))
