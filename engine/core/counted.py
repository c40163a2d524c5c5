"""Format a count with its noun in singular or plural: `1 row`, `2 rows`."""

from __future__ import annotations

from collections.abc import Iterable


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return the count with its noun, such as `1 bad row`; the plural adds an s unless `plural` is given."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def alternatives(names: Iterable[str]) -> str:
    """Return names as a choice: `auto, unsloth or trl`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
