"""Generalization: accuracy on the generation's own exam, the held-out fifth of its new data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from probes.base import Item, ItemResult, result_of
from probes.statistics.intervals import Score


def generalization(results_by_id: Mapping[str, ItemResult], exam: Sequence[Item]) -> Score:
    """Return the share of the exam's distinct items answered right.

    It is 0.0 with n=0 for an empty exam, which proves nothing. Raises ValueError when an item of the exam has no
    result.
    """
    right = {item.id: result_of(results_by_id, item).right for item in exam}
    return Score.of(sum(right.values()), len(right))
