"""The lineage as rows: the twelve columns and what a reader needs beside them."""

from __future__ import annotations

from typing import Any

from engine.base_model import read_base_record
from engine.workspace import Workspace


def lineage_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the ledger's rows, oldest first: the twelve columns, `verdict`, `head`, `parent_gen`, `children`, and,
    where a manifest tells them, `phase`, `created`, `reasons`, `base` and the score on every ancestor's exam.

    Numbers are numbers, empty fields null. Raises LedgerDamaged when the ledger or a manifest cannot be read.
    """
    lineage = workspace.lineage()
    record = read_base_record(workspace)
    collected = workspace.head.collected()
    rows: list[dict[str, Any]] = []
    for node in lineage.nodes():
        row, manifest = node.row, node.manifest
        rows.append(
            {
                "GEN_ID": row.gen_id,
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
                "verdict": node.verdict,
                "head": node.is_head,
                "parent_gen": node.parent_gen,
                "children": list(node.children),
                "phase": manifest.phase if manifest else None,
                "created": manifest.created if manifest else None,
                "reasons": manifest.verdict_reasons if manifest else [],
                "by_ancestor": manifest.scores.get("by_ancestor", {}) if manifest else {},
                "scores": manifest.scores if manifest else {},
                "data": {k: manifest.data.get(k) for k in ("new", "train", "holdout", "replay")} if manifest else {},
                "collected": row.gen_id in collected,
                "base": record["name"] if record else None,
            }
        )
    return rows
