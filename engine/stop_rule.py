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


def stop_reason(path: Sequence[Point], rule: StopRuleSection) -> str | None:
    """Return why the lineage should stop at its last generation, or None.

    `path` follows the lineage, root first, never GEN_ID order. The rule fires when generalization rose by less than ε
    in both of the last two generations and drift rose by more than θ in either.
    """
    if not rule.enabled or len(path) < 3:
        return None
    grandparent, parent, child = path[-3:]
    rises = (parent.generalization - grandparent.generalization, child.generalization - parent.generalization)
    drifts = (parent.drift - grandparent.drift, child.drift - parent.drift)
    # Differences of shares such as 0.3 - 0.2 carry float noise: a rise of exactly ε is a rise.
    if all(rise < rule.epsilon - 1e-9 for rise in rises) and any(drift > rule.theta + 1e-9 for drift in drifts):
        return (
            f"stop rule: generalization rose by {rises[0]:+.3f} and {rises[1]:+.3f} in G{parent.gen} and G{child.gen} "
            f"(less than {rule.epsilon:g} each) while style drift rose by {drifts[0]:+.3f} and {drifts[1]:+.3f} "
            f"(more than {rule.theta:g}): fix the data, not the size"
        )
    return None
