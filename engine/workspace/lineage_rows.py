"""The lineage as rows for display: the twelve ledger columns and what a reader needs beside them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.workspace.base_record import read_base_record
from engine.workspace.layout import Workspace
from engine.workspace.manifest_cache import ManifestFacts, manifest_facts
from ledger.durable import read_bytes
from ledger.parents import link_parents
from ledger.row import LedgerRow

# A line of head.log is canonical JSON, so its keys are in a fixed order and a quote inside a reason is escaped: nothing
# in a reason can pass for a key. A torn line ends with a mark and does not match.
_LOG_LINE: Final = re.compile(
    rb'^\{"action":"([a-z]+)","from":[^,]*,"gen":(null|[0-9]+),.*"to":(null|[0-9]+),"verdict":(?:null|"([a-z]+)")\}$',
    re.MULTILINE,
)
_NO_FACTS: Final[Mapping[int, ManifestFacts]] = {}


@dataclass(frozen=True, slots=True)
class _Around:
    """The context of the rows: HEAD, verdicts and collected GGUFs by GEN_ID, and the name of the base."""

    head: int | None
    verdicts: Mapping[int, str]
    unknown: str
    collected: Collection[int]
    base: str | None


def lineage_rows(workspace: Workspace, *, scores: bool = True) -> list[dict[str, Any]]:
    """Return the ledger's rows, oldest first, with their verdicts, parents, children and manifest facts.

    A row has the twelve columns, `verdict`, `head`, `parent_gen`, `children`, and, where a manifest records them,
    `phase`, `created`, `reasons`, `base` and the score on every ancestor's exam. Numbers are numbers, empty fields
    null. Without `scores`, the fields `scores` and `by_ancestor` stay empty: for a screen that holds a long lineage,
    they are most of its time and memory. Raises LedgerDamaged when the ledger or a manifest cannot be read.
    """
    rows = workspace.ledger.read()
    head = workspace.head
    logged = {
        entry.gen: entry.verdict
        for entry in head.entries()
        if entry.action == "record" and entry.gen is not None and entry.verdict is not None
    }
    facts = manifest_facts(workspace, logged, scores=scores)
    parents = link_parents(rows, recorded={gen: known.parent_gen for gen, known in facts.items()})
    verdicts = {gen: known.verdict for gen, known in facts.items()}
    around = _Around(head.current(), verdicts, "unrecorded", head.collected(), _base_name(workspace))
    return _lay_out(rows, parents, around, facts, scores)


def lineage_outline(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the rows of `lineage_rows` as far as the ledger and head.log determine them, to show a long lineage early.

    What only manifests record is null or empty, and a `verdict` that the log lacks is "". The log is skimmed, not
    verified: `lineage_rows` checks its chain. Raises LedgerDamaged when the ledger cannot be read.
    """
    rows, parents = workspace.ledger.read_linked()
    head: int | None = None
    verdicts: dict[int, str] = {}
    gone: dict[int, bool] = {}
    for action, gen_text, to, verdict in _LOG_LINE.findall(read_bytes(workspace.models / "head.log")):
        gen = _number(gen_text)
        if action in (b"accept", b"rollback"):
            head = _number(to)
        elif gen is not None and action == b"record":
            verdicts[gen] = verdict.decode("ascii")
        elif gen is not None:
            gone[gen] = action == b"collect"
    collected = {gen for gen, is_gone in gone.items() if is_gone}
    around = _Around(head, verdicts, "", collected, _base_name(workspace))
    return _lay_out(rows, parents, around, _NO_FACTS, False)


def _lay_out(
    rows: Sequence[LedgerRow],
    parents: Sequence[int | None],
    around: _Around,
    facts: Mapping[int, ManifestFacts],
    with_scores: bool,
) -> list[dict[str, Any]]:
    children: dict[int, list[int]] = {row.gen_id: [] for row in rows}
    for row, parent in zip(rows, parents, strict=True):
        if parent is not None:
            children[parent].append(row.gen_id)
    laid_out: list[dict[str, Any]] = []
    for row, parent in zip(rows, parents, strict=True):
        gen = row.gen_id
        known = facts.get(gen)
        known_scores = known.scores if known and with_scores else {}
        laid_out.append(
            {
                "GEN_ID": gen,
                "parent_sha": row.parent_sha,
                "child_sha": row.child_sha,
                "data_delta_sha": row.data_delta_sha,
                "steps": row.steps,
                "lr": row.lr,
                "walltime_min": row.walltime_min,
                "loss_start": row.loss_start,
                "loss_end": row.loss_end,
                "eval_recall": row.eval_recall,
                "eval_generalization": row.eval_generalization,
                "eval_style_drift": row.eval_style_drift,
                "verdict": around.verdicts.get(gen, around.unknown),
                "head": gen == around.head,
                "parent_gen": parent,
                "children": children[gen],
                "phase": known.phase if known else None,
                "created": known.created if known else None,
                "reasons": known.reasons if known else [],
                "by_ancestor": known_scores.get("by_ancestor", {}),
                "scores": known_scores,
                "data": known.data if known else {},
                "collected": gen in around.collected,
                "base": around.base,
            }
        )
    return laid_out


def _base_name(workspace: Workspace) -> str | None:
    record = read_base_record(workspace)
    return record["name"] if record else None


def _number(text: bytes) -> int | None:
    return None if text == b"null" else int(text)
