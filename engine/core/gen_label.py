"""The label of a generation in messages, tables and file comments."""

from __future__ import annotations


def gen_label(gen: object) -> str:
    """Return `G3` for generation 3, and `base` for None."""
    return "base" if gen is None else f"G{gen}"
