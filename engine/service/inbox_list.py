"""The status of every row of the inbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from engine.config.config import Config
from engine.data.curriculum import read_files
from engine.data.inbox import rated_down, usable
from engine.data.read_rules import ReadRules
from engine.data.rows import BadRow, Row
from engine.models.lineage_weights import holdout_ids_of, new_rows_of
from engine.pipeline.row_lengths import measure
from engine.service.karma import karma_of
from engine.workspace.layout import Workspace
from ledger.lineage import Lineage


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


def inbox_entries(workspace: Workspace, config: Config, lineage: Lineage) -> tuple[list[Incoming], tuple[BadRow, ...]]:
    """Return every row of the inbox with its status on the path to HEAD, and the bad rows."""
    section = config.curriculum
    found = read_files(
        [workspace.root / section.inbox], section.stages[-1], rules=ReadRules.of(section), missing_ok=True
    )
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
