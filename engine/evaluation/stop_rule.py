"""The stop rule: when new generations add nothing but style drift, the data is at fault, not the model's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.config.schema import StopRuleSection


@dataclass(frozen=True, slots=True)
class PathPoint:
    """One generation on the path from the root: its generalization and its style drift.

    `drift` is None where it was measured with other tone probes than the last generation's.
    """

    gen: int
    generalization: float
    drift: float | None


def stop_reason(path: Sequence[PathPoint], rule: StopRuleSection, rejected: PathPoint | None = None) -> str | None:
    """Return why the lineage should stop at its last generation, or None.

    `path` follows the lineage, root first, never GEN_ID order. The rule fires when generalization rose by less than ε
    in both of the last two generations and drift rose by more than θ in either. Those are the last two of the path or,
    where HEAD stayed because the gate rejected a generation, the last one and the one `rejected` before it from the
    same parent.
    """
    for before, last in _neighbours(path, rule, rejected):
        if reason := _only_drift(before, last, rule):
            return reason
    return None


def unknown_drift(path: Sequence[PathPoint], rule: StopRuleSection, rejected: PathPoint | None = None) -> str | None:
    """Return what the rule could not decide, or None.

    It cannot where generalization twice gained nothing and a drift is not comparable.
    """
    for before, last in _neighbours(path, rule, rejected):
        points = {point.gen: point for point in (*before, *last)}
        unlike = [f"G{point.gen}" for point in points.values() if point.drift is None]
        if unlike and all(rise < rule.epsilon - 1e-9 for rise in _rises(before, last)):
            names = " and ".join(unlike)
            return f"the stop rule could not tell whether style drift rose: {names} answered other tone probes"
    return None


Step = tuple[PathPoint, PathPoint]


def _neighbours(
    path: Sequence[PathPoint], rule: StopRuleSection, rejected: PathPoint | None
) -> list[tuple[Step, Step]]:
    """Return the pairs of steps that the rule compares."""
    if not rule.enabled or len(path) < 2:
        return []
    parent, child = path[-2:]
    before = [(path[-3], parent)] if len(path) > 2 else []
    before += [(parent, rejected)] if rejected else []
    return [(step, (parent, child)) for step in before]


def _rises(*steps: Step) -> list[float]:
    return [child.generalization - parent.generalization for parent, child in steps]


def _only_drift(before: Step, last: Step, rule: StopRuleSection) -> str | None:
    """Return the reason if two steps, each (parent, child), gained no generalization and one of them raised drift."""
    rises, drifts = _rises(before, last), [_drift_rise(step) for step in (before, last)]
    # Differences of shares such as 0.3 - 0.2 carry float noise: a rise of exactly ε is a rise.
    if all(rise < rule.epsilon - 1e-9 for rise in rises) and any(
        drift is not None and drift > rule.theta + 1e-9 for drift in drifts
    ):
        both = f", both from G{last[0].gen}," if before[0] == last[0] else ""
        return (
            f"stop rule: generalization rose by {rises[0]:+.3f} and {rises[1]:+.3f} in G{before[1].gen} and "
            f"G{last[1].gen}{both} (less than {rule.epsilon:g} each) while style drift rose by {_told(drifts[0])} and "
            f"{_told(drifts[1])} (more than {rule.theta:g}): fix the data, not the size"
        )
    return None


def _drift_rise(step: Step) -> float | None:
    parent, child = step
    return None if parent.drift is None or child.drift is None else child.drift - parent.drift


def _told(rise: float | None) -> str:
    return "what is not comparable" if rise is None else f"{rise:+.3f}"
