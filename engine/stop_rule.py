"""The stop rule: when new generations bring nothing but drift, the data is at fault, not the size of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.config import StopRuleSection


@dataclass(frozen=True, slots=True)
class Point:
    """One generation on the way from the root: its generalization and style drift."""

    gen: int
    generalization: float
    drift: float


def stop_reason(path: Sequence[Point], rule: StopRuleSection, rejected: Point | None = None) -> str | None:
    """Return why the lineage should stop at its last generation, or None.

    `path` follows the lineage, root first, never GEN_ID order. The rule fires when generalization rose by less than ε
    in both of the last two generations and drift rose by more than θ in either. Those are the last two of the path, or,
    where HEAD stayed because the gate said no, the last one and the one `rejected` before it from the same parent.
    """
    if not rule.enabled or len(path) < 2:
        return None
    parent, child = path[-2:]
    before = [(path[-3], parent)] if len(path) > 2 else []
    before += [(parent, rejected)] if rejected else []
    for step in before:
        if reason := _only_drift(step, (parent, child), rule):
            return reason
    return None


def _only_drift(before: tuple[Point, Point], last: tuple[Point, Point], rule: StopRuleSection) -> str | None:
    """The reason if two steps, each from a parent to its child, brought no generalization and one of them drift."""
    rises = [child.generalization - parent.generalization for parent, child in (before, last)]
    drifts = [child.drift - parent.drift for parent, child in (before, last)]
    # Differences of shares such as 0.3 - 0.2 carry float noise: a rise of exactly ε is a rise.
    if all(rise < rule.epsilon - 1e-9 for rise in rises) and any(drift > rule.theta + 1e-9 for drift in drifts):
        both = f", both from G{last[0].gen}," if before[0] == last[0] else ""
        return (
            f"stop rule: generalization rose by {rises[0]:+.3f} and {rises[1]:+.3f} in G{before[1].gen} and "
            f"G{last[1].gen}{both} (less than {rule.epsilon:g} each) while style drift rose by {drifts[0]:+.3f} and "
            f"{drifts[1]:+.3f} (more than {rule.theta:g}): fix the data, not the size"
        )
    return None
