"""Files of the inbox: import conversations, and report the status of every row."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.config.config import Config
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum, read_files
from engine.data.inbox import rated_down, usable
from engine.data.read_rules import ReadRules
from engine.data.rows import BadRow, Row, count_answers
from engine.models.lineage_weights import holdout_ids_of, new_rows_of
from engine.pipeline.row_lengths import HINT, measure
from engine.service.karma import karma_of
from engine.workspace.layout import Workspace
from ledger.durable import write_durable
from ledger.lineage import Lineage


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported file: its path now, how many of its rows are new and how many known to the inbox, and the bad rows.

    Rows that exceed the context are bad ones; `unmeasured` of the new rows may exceed it, since the base has no
    tokenizer yet.
    """

    path: Path
    rows: int
    known: int
    bad: tuple[BadRow, ...]
    unmeasured: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A row of the inbox: its karma, and its `state` in words (`waiting`, `learnt by G3`, `held out by G3`, …)."""

    row: Row
    karma: float
    state: str

    def to_dict(self) -> dict[str, object]:
        """Return plain values for `--json`: the row's fields, karma, state and source."""
        plain = json.loads(self.row.to_json())
        return {**plain, "karma": self.karma, "state": self.state, "source": self.row.source}


def import_file(workspace: Workspace, config: Config, source: Path, today: date) -> Imported:
    """Copy a file of conversations into the inbox under a name that begins with the date, and return what is in it.

    The content of the file is not changed, so that conversations stay whole. Raises UsageError when it cannot be read,
    has no usable row, or brings nothing that the inbox does not have and that fits the context.
    """
    if source.is_dir():
        raise UsageError("a folder, not a file", where=str(source), hint=f"luna-tui inbox add {source}/*.jsonl")
    found = _read(workspace, config, [source])
    if not found.rows:
        raise UsageError(f"no usable row{': ' + _first(found.bad) if found.bad else ''}", where=str(source))
    folder = workspace.root / config.curriculum.inbox
    there = {id_ for row in _read(workspace, config, [folder]).rows for id_ in row.ids}
    new = [left for row in found.rows if (left := row.without(there))]
    if not new:
        raise UsageError(
            f"all {counted(count_answers(found.rows), 'row is', 'rows are')} in the inbox already",
            where=str(source),
            hint="luna-tui inbox list",
        )
    lengths = measure(workspace, config, new)
    too_long = lengths.as_bad_rows(found.rows)
    fitting = count_answers(lengths.fitting(new))
    if not fitting:
        raise UsageError(f"no new row can be learnt: {_first(too_long)}", where=str(source), hint=HINT)
    path = _free_name(folder, f"{today.isoformat()}-{source.name}")
    try:
        content = source.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(source)) from error
    write_durable(path, content)
    bad = tuple(sorted((*found.bad, *too_long), key=lambda row: row.line))
    return Imported(path, fitting, count_answers(found.rows) - count_answers(new), bad, lengths.unmeasured)


def inbox_entries(workspace: Workspace, config: Config, lineage: Lineage) -> tuple[list[Incoming], tuple[BadRow, ...]]:
    """Return every row of the inbox with its status on the path to HEAD, and the bad rows."""
    found = _read(workspace, config, [workspace.root / config.curriculum.inbox])
    standing = {row.id for row in usable(found.rows)[0]}
    down = rated_down(found.rows)
    head = lineage.head
    path = [*lineage.ancestors(head), head] if head is not None else []
    states = _tried(workspace, lineage) | _learnt(workspace, lineage, path)
    waiting = [row for row in found.rows if row.id in standing and row.without(states)]
    lengths = measure(workspace, config, waiting)
    too_long = {row.id: lengths.as_bad_rows([row])[0].reason for row in waiting if not lengths.fitting([row])}

    def state(row: Row) -> str:
        if row.without(states) is None:
            return states[row.ids[-1]]
        if row.id in too_long:
            return f"left out: {too_long[row.id]}"
        return "rated down" if row.id in down else "waiting" if row.id in standing else "replaced by another answer"

    return [Incoming(row, karma_of(row, config.age_up) * row.size, state(row)) for row in found.rows], found.bad


def _learnt(workspace: Workspace, lineage: Lineage, path: Sequence[int]) -> dict[str, str]:
    states: dict[str, str] = {}
    for gen in path:
        if lineage.node(gen).manifest is None:
            continue
        held = holdout_ids_of(workspace, gen)
        for row in new_rows_of(workspace, gen):
            for id_ in row.ids:
                states.setdefault(id_, f"{'held out' if id_ in held else 'learnt'} by G{gen}")
    return states


def _tried(workspace: Workspace, lineage: Lineage) -> dict[str, str]:
    """Return the status of rows that were new in a child of HEAD, and so were tried but are not in HEAD."""
    return {
        id_: f"tried in G{gen}, {lineage.node(gen).verdict}"
        for gen in lineage.children(lineage.head)
        if lineage.node(gen).manifest
        for row in new_rows_of(workspace, gen)
        for id_ in row.ids
    }


def _read(workspace: Workspace, config: Config, paths: Sequence[Path]) -> Curriculum:
    section = config.curriculum
    inside = paths == [workspace.root / section.inbox]
    return read_files(paths, section.stages[-1], rules=ReadRules.of(section), missing_ok=inside)


def _first(bad: Sequence[BadRow]) -> str:
    return "; ".join(f"line {row.line}: {row.reason}" for row in bad[:3])


def _free_name(folder: Path, name: str) -> Path:
    stem, suffix = os.path.splitext(name)
    names = (folder / (f"{stem}-{n}{suffix}" if n > 1 else name) for n in range(1, 10_000))
    return next(path for path in names if not path.exists())
