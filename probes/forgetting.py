"""Slow forgetting: every generation runs every ancestor's exam, since recall covers the parent's QA set only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from probes.base import Item, ItemResult
from probes.generalization import generalization
from probes.statistics.intervals import Score


def ancestor_exams(results_by_id: Mapping[str, ItemResult], exams: Mapping[int, Sequence[Item]]) -> dict[int, Score]:
    """Return this child's score on each ancestor's exam, by GEN_ID, oldest first: one row of the forgetting matrix.

    Raises ValueError when an item of an exam has no result.
    """
    return {gen: generalization(results_by_id, exams[gen]) for gen in sorted(exams)}
