"""Formats numbers: durations, sizes, ages, rates, and scores that never round across their target."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_UNITS = ("B", "KB", "MB", "GB", "TB")


def duration(seconds: float | None) -> str:
    """Format a duration as `8s`, `1m 12s` or `2h 05m`; an unknown, negative or non-finite one as `–`."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def size(count: float) -> str:
    """Format a byte count in decimal units, as disks are sold: `98 MB`, `1.2 GB`."""
    for unit in _UNITS:
        if count < 999.5 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the last unit always returns")


def age(created: str | None, now: datetime | None = None) -> str:
    """Format how long ago an ISO 8601 time was: `now`, `12 min`, `3 h`, `5 d`; empty when it is not known."""
    try:
        then = datetime.fromisoformat(str(created).replace("Z", "+00:00"))
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    minutes = ((now or datetime.now(UTC)) - then).total_seconds() / 60
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def learning_rate(value: float) -> str:
    """Format a learning rate, short and exact enough to compare: `2e-4`, `1.4e-3`."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def loss(value: float | None) -> str:
    """Format a loss with three decimals, small ones as `1.1e-3`, an unknown one as `–`."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else learning_rate(value)


def score(value: float | None, target: float | None = None) -> str:
    """Format a score with two decimals, or as many more as needed not to show 1.00, 0.00 or the target for another
    value.
    """
    if value is None or not math.isfinite(value):
        return "–"
    fixed = {0.0, 1.0} | ({target} if target is not None else set())
    for decimals in (2, 3, 4):
        text = f"{value:.{decimals}f}"
        if all(float(text) != point or value == point for point in fixed):
            return text
    return f"{value:.5f}"


def percent(done: float, total: float) -> str:
    """Format a share as whole per cent; 100 % appears only when `done` has reached `total`."""
    if total <= 0:
        return "–"
    return f"{min(99, int(100 * done / total)) if done < total else 100}%"
