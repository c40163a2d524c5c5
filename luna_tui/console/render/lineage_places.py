"""The layout of the lineage pane: which generation is on which line, including filters and opened details.

It is computed once for a lineage; drawing a line looks its place up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.row import names_id
from luna_tui.common import figures
from luna_tui.common.terminal import Glyphs
from luna_tui.common.tree_layout import TreeLine, tree_lines
from luna_tui.console.render.conversation import shown_line
from luna_tui.console.state.console_state import ConsoleState

OWN = -1
"""The part of a generation that is its own line; its details count from 0."""


@dataclass(frozen=True, slots=True)
class Running:
    """The generation in training, or one whose run was `stopped`: its place in the tree, and its progress in words."""

    gen: int
    parent_gen: int | None
    phase: str
    words: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """The lines in order, the place of each generation (None: the base), the widest drawing in cells and the highest
    GEN_ID.
    """

    lines: tuple[TreeLine, ...]
    places: Mapping[int | None, int]
    widest: int = 0
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Numbered:
    """The lines of the pane as (place in the tree, part), and the first line of each generation."""

    entries: tuple[tuple[int, int], ...] = ()
    starts: Mapping[int | None, int] = field(default_factory=dict[int | None, int])


def running_of(state: ConsoleState, glyphs: Glyphs) -> Running | None:
    """Return the generation in training, until its row exists; else one whose run was stopped and can be resumed."""
    run = state.run
    if run.started is None or run.started.gen in state.by_gen or (not state.training and run.recorded is None):
        return None if state.training else _stopped(state, glyphs)
    return Running(run.started.gen, run.started.parent_gen, run.started.phase, _progress(state, glyphs))


def _stopped(state: ConsoleState, glyphs: Glyphs) -> Running | None:
    gen, started, train = state.unfinished, state.run.started, state.run.train
    if gen is None or gen in state.by_gen:
        return None
    known = started if started is not None and started.gen == gen else None
    at = f" at step {train.step}/{train.total}" if known is not None and train is not None else ""
    words = f"stopped{at} {glyphs.dot} r goes on"
    return Running(gen, state.unfinished_parent, known.phase if known is not None else "", words, stopped=True)


def _progress(state: ConsoleState, glyphs: Glyphs) -> str:
    run = state.run
    done, total, eta_s = 0, 0, None
    if run.step == "train" and run.train is not None:
        done, total, eta_s = run.train.step, run.train.total, run.train.eta_s
    elif run.progress is not None:
        done, total, eta_s = run.progress.done, run.progress.total, run.progress.eta_s
    if state.stopping:
        words = ["stopping"]
    else:
        words = [figures.percent(done, total)] if total > 0 else []
        words.append(shown_line(run.step or "starting", glyphs))
        if eta_s is not None and 0 < done < total:
            words.append(f"{figures.duration(eta_s)} left")
    return f" {glyphs.dot} ".join(words)


def lay_out(rows: Sequence[Mapping[str, Any]], head: int | None, running: Running | None, glyphs: Glyphs) -> Tree:
    """Lay out the whole tree, with the generation in training as one more child of its parent."""
    if running is not None:
        rows = [*rows, {"GEN_ID": running.gen, "parent_gen": running.parent_gen, "verdict": ""}]
    return _tree(tree_lines(rows, head, glyphs))


def narrowed(tree: Tree, by_gen: Mapping[int, Mapping[str, Any]], head: int | None, words: str) -> Tree:
    """Return only the generations that match every word: the beginning of a phase, verdict or SHA, or a number."""
    terms = words.lower().split()
    kept = [
        TreeLine(line.gen, "")
        for line in tree.lines
        if all(_matches(line.gen, by_gen.get(line.gen, {}) if line.gen is not None else {}, head, t) for t in terms)
    ]
    return _tree(kept)


def _tree(lines: Sequence[TreeLine]) -> Tree:
    places = {line.gen: place for place, line in enumerate(lines)}
    widest = max((len(line.drawing) for line in lines), default=0)
    return Tree(tuple(lines), places, widest, max((gen for gen in places if gen is not None), default=0))


def _matches(gen: int | None, row: Mapping[str, Any], head: int | None, term: str) -> bool:
    if gen is None:
        return "base".startswith(term) or (head is None and "head".startswith(term))
    if term.lstrip("g").isdigit() and int(term.lstrip("g")) == gen:
        return True
    if names_id(term, str(row.get("child_sha", ""))):
        return True
    names = (str(row.get("phase") or ""), str(row.get("verdict") or ""), "head" if gen == head else "")
    return any(name.lower().startswith(term) for name in names if name)


def number_lines(tree: Tree, details: Mapping[int, int]) -> Numbered:
    """Number the lines of the pane; `details` maps a GEN_ID to the number of lines below an opened generation."""
    entries: list[tuple[int, int]] = []
    starts: dict[int | None, int] = {}
    for place, line in enumerate(tree.lines):
        starts[line.gen] = len(entries)
        entries.append((place, OWN))
        if line.gen is not None and line.gen in details:
            entries.extend((place, part) for part in range(details[line.gen]))
    return Numbered(tuple(entries), starts)
