"""A count and its noun in the right number: `1 row`, `2 rows`."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """`counted(1, "bad row")` is `1 bad row`; the plural is the noun with an s unless another one is given."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
