"""The holdout: which of a generation's new rows are kept for its exam, the same ones on every machine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from engine.core.errors import UsageError
from engine.data.rows import Row
from ledger.hashing import sha256_text

# (stage, topic); topic "" is the stage's common stratum: rows without a topic, and topics with a single cluster.
Stratum = tuple[str, str]

CORRECTED = 2
"""The karma of an answer that the user has corrected and so written."""


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Rows that must stay together: one conversation, or all rows that ask the same thing."""

    key: str
    rows: int
    topics: frozenset[Stratum]


def split(rows: Sequence[Row], fraction: float, salt: str = "") -> tuple[list[Row], list[Row]]:
    """Split rows into (train, holdout), each in the order given.

    Rows of one group, or with the same prompt, form a cluster and are never separated. Strata are (stage, topic); their
    shares are rounded cumulatively, so that the whole is off by about half a cluster. A topic with two clusters or more
    keeps one in training. Which clusters are held out depends on their hash with `salt`, never on the order of the
    rows. What the user has corrected is trained on: such clusters are held out only when the others are too few for an
    exam. Raises UsageError if there are too few clusters to hold out one, ValueError unless 0 < fraction ≤ 0.5.
    """
    if not 0 < fraction <= 0.5:
        raise ValueError(f"fraction must be above 0 and at most 0.5, not {fraction}")
    cluster_of = _cluster_keys(rows)
    clusters = _clusters(rows, cluster_of)
    needed = clusters_needed(fraction)
    if len(clusters) < needed:
        raise UsageError(
            f"too few rows: {len(rows)} new rows ask {len(clusters)} different things, "
            f"and a holdout of {fraction:.0%} needs at least {needed}",
            hint="add rows with other prompts, or raise [curriculum] holdout",
        )
    corrected = {cluster_of[row.id] for row in rows if row.karma is not None and row.karma >= CORRECTED}
    others = [cluster for cluster in clusters if cluster.key not in corrected]
    if corrected and len(others) >= needed:
        # The exam keeps its size, up to half of the rows that may be held out.
        fraction = min(0.5, fraction * sum(c.rows for c in clusters) / sum(c.rows for c in others))
        clusters = others
    held = _choose(clusters, fraction, salt)
    train = [row for row in rows if cluster_of[row.id] not in held]
    return train, [row for row in rows if cluster_of[row.id] in held]


def split_by_ids(rows: Sequence[Row], held_out: Collection[str]) -> tuple[list[Row], list[Row]]:
    """Split rows into (train, holdout) by the ids of what they teach.

    Raises UsageError when that leaves either of them empty.
    """
    held = frozenset(held_out)
    train = [row for row in rows if held.isdisjoint(row.ids)]
    holdout = [row for row in rows if not held.isdisjoint(row.ids)]
    if not train or not holdout:
        raise UsageError(
            f"of {len(rows)} new rows {len(holdout)} are to be held out: nothing is left to "
            f"{'train on' if holdout else 'examine'}"
        )
    return train, holdout


def clusters_needed(fraction: float) -> int:
    """Return the fewest clusters of which a share of `fraction` is at least one; never fewer than two."""
    return max(2, math.ceil(1 / fraction - 1e-9))


def count_clusters(rows: Sequence[Row]) -> int:
    """Return how many clusters the rows form: groups, joined where they share a prompt."""
    return len(set(_cluster_keys(rows).values()))


def _choose(clusters: Sequence[_Cluster], fraction: float, salt: str) -> set[str]:
    """Choose the clusters to hold out, stratum by stratum.

    A cluster is taken while that brings the holdout nearer to its share of the rows so far.
    """
    kept_in_training = Counter(topic for cluster in clusters for topic in cluster.topics)
    single = {topic for topic, count in kept_in_training.items() if count == 1}
    order = {cluster.key: sha256_text(f"{salt}\0{cluster.key}") for cluster in clusters}
    by_stratum: dict[Stratum, list[_Cluster]] = {}
    for cluster in sorted(clusters, key=lambda cluster: order[cluster.key]):
        stage, topic = min(cluster.topics)
        by_stratum.setdefault((stage, "" if (stage, topic) in single else topic), []).append(cluster)

    def may_go(cluster: _Cluster) -> bool:
        return all(kept_in_training[topic] > 1 or topic in single for topic in cluster.topics)

    held: set[str] = set()
    seen = taken = 0
    for stratum in sorted(by_stratum):
        seen += sum(cluster.rows for cluster in by_stratum[stratum])
        for cluster in by_stratum[stratum]:
            if taken + cluster.rows / 2 <= fraction * seen and may_go(cluster):
                held.add(cluster.key)
                taken += cluster.rows
                kept_in_training.subtract(cluster.topics)
    if not held:
        smallest = min(clusters, key=lambda cluster: (not may_go(cluster), cluster.rows, order[cluster.key]))
        held.add(smallest.key)
    return held


def _clusters(rows: Iterable[Row], cluster_of: dict[str, str]) -> list[_Cluster]:
    sizes: Counter[str] = Counter()
    topics: dict[str, set[Stratum]] = {}
    for row in rows:
        key = cluster_of[row.id]
        sizes[key] += row.size
        topics.setdefault(key, set()).add((row.stage, row.topic or ""))
    return [_Cluster(key, size, frozenset(topics[key])) for key, size in sizes.items()]


def _cluster_keys(rows: Iterable[Row]) -> dict[str, str]:
    """Map each row's id to the smallest of the groups it is joined with by a shared group or prompt (union-find)."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    rows = list(rows)
    for row in rows:
        # "~" sorts after every hex digit, so the smallest member of a cluster is always a group's hash, never a prompt.
        ends = sorted((root(row.group), root(f"~{row.prompt}" if row.kind == "qa" else row.group)))
        parent[ends[1]] = ends[0]
    return {row.id: root(row.group) for row in rows}
