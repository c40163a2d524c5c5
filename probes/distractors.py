"""Wrong candidates for `choice` items: answers of the same kind of row that could not also be right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from probes.base import Item
from probes.normaliser import normalise

# Answers sharing more than this much of their words may mean the same, whatever their topics say.
NEAR_COPY = 0.5


def choose_distractors(row: Item, pool: Sequence[Item], k: int = 4) -> tuple[str, ...]:
    """Up to `k` wrong answers for `row` out of other rows of its kind, fixed by the row's id and not by pool order.

    Rows of the same stage are preferred as a whole: others come in only if no other row has this stage. With a topic,
    answers of other topics are taken in hash order (near copies last), then topic-less rows; the same topic never.
    Without a topic, the most dissimilar rows come first, ties in hash order. Never taken: an answer that normalises
    to the true or an accepted one, or any answer given to the same prompt. Fewer than `k` possible: as many as there
    are. Raises ValueError naming the row when there is none, or when k < 1.
    """
    if k < 1:
        raise ValueError(f"row {row.id}: k={k} distractors; ask for at least 1")
    same_stage = [other for other in pool if other.stage == row.stage and other.id != row.id]
    kind = same_stage or [other for other in pool if other.id != row.id]
    prompt = _normalised(row.prompt)
    also_right = {_normalised(answer) for answer in (row.expected, *row.accept)}
    also_right |= {
        _normalised(answer)
        for other in kind
        if _normalised(other.prompt) == prompt
        for answer in (other.expected, *other.accept)
    }
    candidates = [
        other
        for other in kind
        if _normalised(other.expected) not in also_right
        and other.expected.strip()
        and (row.topic is None or other.topic != row.topic)
    ]
    distinct: dict[str, str] = {}
    for other in sorted(candidates, key=lambda other: _rank(row, other)):
        distinct.setdefault(_normalised(other.expected), other.expected)  # another spelling is no other candidate
    chosen = tuple(distinct.values())[:k]
    if not chosen:
        raise ValueError(
            f"row {row.id} ({row.prompt[:60]!r}): none of {len(pool)} other rows has an answer that could not also be "
            "right; add rows of other topics, or score this row by 'match'"
        )
    return chosen


def _rank(row: Item, other: Item) -> tuple[int, float, bytes]:
    order = sha256(f"{row.id}\0{other.id}\0{other.expected}".encode()).digest()
    answers = _jaccard(row.expected, other.expected)
    if row.topic is not None and other.topic is not None:
        return (int(answers > NEAR_COPY), 0.0, order)
    # Topic-less rows stand behind every other topic; among themselves the most dissimilar first.
    return (2, max(answers, _jaccard(row.prompt, other.prompt)), order)


@lru_cache(maxsize=65536)
def _normalised(text: str) -> str:
    return normalise(text)


@lru_cache(maxsize=65536)
def _words(text: str) -> frozenset[str]:
    return frozenset(_normalised(text).split())


def _jaccard(left: str, right: str) -> float:
    """Shared words over all words, 0–1 (P. Jaccard 1901)."""
    a, b = _words(left), _words(right)
    return len(a & b) / len(a | b) if a or b else 1.0
