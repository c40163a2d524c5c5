"""Recall: how much of the parent's QA set the child can still answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes.base import Item, ItemResult, result_of
from probes.statistics.intervals import Score


@dataclass(frozen=True, slots=True)
class RecallScore:
    """Accuracy on the parent's QA set, and the share of the parent's right answers that the child kept.

    `lost` are ids the parent had right and the child has wrong, `gained` the other way round, both in QA set order.
    """

    score: Score
    retention: Score | None
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the recall as plain JSON values."""
        return {
            "score": self.score.to_dict(),
            "retention": None if self.retention is None else self.retention.to_dict(),
            "lost": list(self.lost),
            "gained": list(self.gained),
        }


def recall(
    results_by_id: Mapping[str, ItemResult],
    parent_qa_items: Sequence[Item],
    parent_results_by_id: Mapping[str, ItemResult] | None,
) -> RecallScore:
    """Score the child's results on the parent's QA set; 1.0 with n=0 when there is no parent (G0).

    Retention counts the items whose parent result is known and right; it is None when there is no such item.
    Raises ValueError when an item of the QA set has no result.
    """
    child = {item.id: result_of(results_by_id, item).right for item in parent_qa_items}
    score = Score.of(sum(child.values()), len(child), when_empty=1.0)
    known = parent_results_by_id or {}
    parent = {id_: known[id_].right for id_ in child if id_ in known}
    kept = [child[id_] for id_, right in parent.items() if right]
    return RecallScore(
        score=score,
        retention=Score.of(sum(kept), len(kept)) if kept else None,
        lost=tuple(id_ for id_, right in parent.items() if right and not child[id_]),
        gained=tuple(id_ for id_, right in parent.items() if not right and child[id_]),
    )
