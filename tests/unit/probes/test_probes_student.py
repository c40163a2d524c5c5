"""Student's t from the standard library, against printed tables and against the density's own integral."""

from __future__ import annotations

from math import gamma, inf, pi, sqrt

import pytest

from probes.statistics.student_t import t_cdf, t_quantile

# Two-sided 95 % points: Abramowitz & Stegun (1964), table 26.10, with the digits of scipy.stats.t.ppf(0.975, df).
TABLE = {
    1: 12.706204736,
    2: 4.302652730,
    3: 3.182446305,
    4: 2.776445105,
    10: 2.228138852,
    18: 2.100922040,
    30: 2.042272456,
    100: 1.983971519,
}


@pytest.mark.parametrize(("df", "expected"), TABLE.items())
def test_the_quantiles_are_those_of_the_table(df: int, expected: float) -> None:
    assert t_quantile(0.975, df) == pytest.approx(expected, rel=1e-8)
    assert t_quantile(0.025, df) == pytest.approx(-expected, rel=1e-8)


def test_with_many_degrees_of_freedom_it_is_the_normal_distribution() -> None:
    assert t_quantile(0.975, inf) == pytest.approx(1.959963985, abs=1e-6)
    assert t_quantile(0.5, 3) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("df", [1.5, 2.5, 3.7, 7.3])
def test_broken_degrees_of_freedom_agree_with_the_density(df: float) -> None:
    """Welch's are hardly ever whole. Simpson's rule over the density from 0 to t."""

    def density(x: float) -> float:
        return gamma((df + 1) / 2) / (sqrt(df * pi) * gamma(df / 2)) * (1 + x * x / df) ** (-(df + 1) / 2)

    t, parts = 2.3, 2_000
    step = t / parts
    inside = sum((4 if n % 2 else 2) * density(n * step) for n in range(1, parts))
    area = step / 3 * (density(0) + inside + density(t))
    assert t_cdf(t, df) == pytest.approx(0.5 + area, abs=1e-10)
    assert t_cdf(-t, df) == pytest.approx(0.5 - area, abs=1e-10)
    assert t_quantile(t_cdf(t, df), df) == pytest.approx(t, rel=1e-9)


@pytest.mark.parametrize(("probability", "df"), [(0.0, 3), (1.0, 3), (0.5, 0), (0.5, float("nan"))])
def test_what_has_no_quantile_is_refused(probability: float, df: float) -> None:
    with pytest.raises(ValueError, match="t_quantile"):
        t_quantile(probability, df)
