"""Lays out the lineage as lines of a tree: the path to HEAD runs straight down, side branches hang off to the right.

A generation without siblings stays in its parent's column, so a line of a hundred is as wide as one of two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luna_tui.common.terminal import Glyphs


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One line of the tree: the text to the left of the generation's mark, and its GEN_ID (None for the base)."""

    gen: int | None
    drawing: str


def tree_lines(rows: Sequence[Mapping[str, Any]], head: int | None, glyphs: Glyphs) -> list[TreeLine]:
    """Lay out rows (parents before children, with `GEN_ID` and `parent_gen`) as lines from the base down."""
    children: dict[int | None, list[int]] = {}
    parents: dict[int, int | None] = {}
    for row in rows:
        gen = int(row["GEN_ID"])
        parents[gen] = row["parent_gen"]
        children.setdefault(row["parent_gen"], []).append(gen)
    dead_ends = {int(row["GEN_ID"]) for row in rows if row.get("verdict") in ("rejected", "stopped")}
    trunk = _way_to(head, parents)
    height = _heights(parents, dead_ends)
    lines: list[TreeLine] = []
    # Each entry is a generation, the drawing of its own line, and the prefix of its descendants' lines.
    todo: list[tuple[int | None, str, str]] = [(None, "", "")]
    while todo:
        gen, drawing, below = todo.pop()
        lines.append(TreeLine(gen, drawing))
        own = children.get(gen, [])
        if not own:
            continue
        main = _main_child(own, trunk, height, dead_ends)
        side = [child for child in own if child != main]
        # A stack pops the last entry first: the straight line continues below all side branches.
        if main is not None:
            todo.append((main, below, below))
        for child in reversed(side):
            last = main is None and child == side[-1]
            fork, gap = (glyphs.last_fork, "  ") if last else (glyphs.fork, glyphs.trunk + " ")
            todo.append((child, below + fork, below + gap))
    return lines


def _main_child(
    children: Sequence[int], trunk: Collection[int], height: Mapping[int, int], dead_ends: Collection[int]
) -> int | None:
    """Return the child that continues the straight line: on the path to HEAD, else not rejected and with the longest
    line below it.
    """
    on_the_way = [child for child in children if child in trunk]
    alive = on_the_way or [child for child in children if child not in dead_ends]
    return max(alive, key=lambda child: (height[child], child), default=None)


def clip(drawing: str, width: int, glyphs: Glyphs) -> str:
    """Shorten a drawing that is wider than `width` cells by removing its middle."""
    if len(drawing) <= width:
        return drawing
    kept = max(2, width - len(glyphs.ellipsis) - 2)
    return drawing[: kept - kept % 2] + glyphs.ellipsis + drawing[-2:]


def _way_to(head: int | None, parents: Mapping[int, int | None]) -> set[int]:
    way: set[int] = set()
    at = head
    while at is not None and at in parents:
        way.add(at)
        at = parents[at]
    return way


def _heights(parents: Mapping[int, int | None], dead_ends: Collection[int]) -> dict[int, int]:
    """Return the length of the longest line below each generation, not counting rejected and stopped ones.

    `parents` must list children after their parents.
    """
    height = dict.fromkeys(parents, 0)
    for gen in reversed(list(parents)):
        above = parents[gen]
        if above is not None and gen not in dead_ends:
            height[above] = max(height[above], height[gen] + 1)
    return height
