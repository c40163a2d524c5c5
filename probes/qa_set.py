"""The fixed part of a generation's QA set: which of the rows it was trained on are evaluated again."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def fixed_sample(ids: Sequence[str], k: int, salt: str) -> list[str]:
    """Return at most `k` distinct ids, the smallest by sha256(salt + id), in that order, whatever the input's order.

    A hash and not a random generator, so that adding or removing a row moves at most one other row in or out. Raises
    ValueError for a negative k.
    """
    if k < 0:
        raise ValueError(f"fixed_sample: k={k}; ask for 0 or more ids")
    return sorted(set(ids), key=lambda id_: (sha256((salt + id_).encode()).digest(), id_))[:k]
