"""Student's t distribution, from the standard library alone: how many standard errors wide an interval must be."""

from __future__ import annotations

from math import exp, inf, lgamma, log, log1p

_TINY = 1e-300


def t_quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t distribution: the t that a fraction `probability` of it is below.

    `df` are the degrees of freedom, any number above 0, infinity for the normal distribution. Raises ValueError outside
    0 < probability < 1 and df > 0. Bisection of `t_cdf`, to 12 digits.
    """
    if not 0 < probability < 1 or not df > 0:
        raise ValueError(f"t_quantile: needs 0 < probability < 1 and df > 0, got {probability} and {df}")
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * max(1.0, high):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, df) < probability else (low, middle)
    return (low + high) / 2


def t_cdf(t: float, df: float) -> float:
    """Return the probability that a t-distributed number with `df` degrees of freedom is at most `t`.

    Source: M. Abramowitz, I. Stegun (1964), "Handbook of Mathematical Functions", 26.7.1: with x = df / (df + t²) the
    tail beyond |t| is I_x(df/2, 1/2) / 2. Beyond 10⁷ degrees of freedom nothing changes in 7 digits.
    """
    if df > 1e7:
        df = 1e7
    tail = _incomplete_beta(df / 2, 0.5, df / (df + t * t)) / 2 if abs(t) < inf else 0.0
    return 1 - tail if t > 0 else tail


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), by its continued fraction.

    Source: W. Press et al. (2007), "Numerical Recipes", 6.4 (the fraction), 5.2 (the modified Lentz method).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1 / _away_from_zero(1 + numerator * d)
            c = _away_from_zero(1 + numerator / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
