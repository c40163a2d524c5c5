"""The report's first half: the generations, their verdicts, and how they trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.training.batch_log import read_losses
from engine.workspace.layout import Workspace
from luna_tui.report.blocks import Block, Heading, Paragraph, Picture, Table
from luna_tui.report.pictures import lineage_scores, loss_curves


def lineage_part(workspace: Workspace, rows: Sequence[dict[str, Any]], path: Sequence[int]) -> list[Block]:
    """Return the lineage's table and pictures; `rows` are all of the ledger, `path` the generations up to HEAD."""
    here = [row for row in rows if row["GEN_ID"] in path]
    aside = [row for row in rows if row["GEN_ID"] not in path]
    blocks: list[Block] = [
        Heading("The lineage"),
        Table(
            (
                "",
                "phase",
                "verdict",
                "new rows",
                "replayed",
                "steps",
                "minutes",
                "recall",
                "generalization",
                "drift",
                "SHA-256",
            ),
            [_row(row) for row in here],
            "Recall: on the parent's QA set. Generalization: on the generation's own holdout. Drift: share of tone "
            "answers with a corporate phrase. In brackets: 95 % Wilson interval and number of items.",
        ),
    ]
    if aside:
        tried = "; ".join(f"G{row['GEN_ID']} {row['verdict']}{_why(row)}" for row in aside)
        blocks.append(Paragraph(f"Beside it, not on the way to HEAD: {tried}."))
    names = [f"G{row['GEN_ID']}" for row in here]
    scores = {
        "recall": [row["eval_recall"] for row in here],
        "generalization": [row["eval_generalization"] for row in here],
        "style drift": [row["eval_style_drift"] for row in here],
    }
    blocks.append(Picture("scores.svg", lineage_scores(names, scores), "The three scores along the lineage."))
    curves = {
        f"G{gen}": read_losses(metrics)
        for gen in path
        if (metrics := workspace.generation(gen) / "metrics.jsonl").is_file()
    }
    if curves:
        caption = "Training loss, smoothed. It is shown, never trusted: the gate reads exams only."
        blocks.append(Picture("loss.svg", loss_curves(curves), caption))
    return blocks


def _row(row: dict[str, Any]) -> list[str]:
    data = row["data"]
    return [
        f"G{row['GEN_ID']}",
        row["phase"] or "",
        row["verdict"],
        str(data.get("new", "")),
        str(data.get("replay", "")),
        str(row["steps"]),
        "" if row["walltime_min"] is None else f"{row['walltime_min']:.1f}",
        _score(row, "recall"),
        _score(row, "generalization"),
        _score(row, "drift"),
        row["child_sha"][:12],
    ]


def _score(row: dict[str, Any], name: str) -> str:
    score = row["scores"].get(name)
    if not score:
        value = row["eval_style_drift" if name == "drift" else f"eval_{name}"]
        return "" if value is None else f"{value:.2f}"
    if not score["n"]:
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} ({score['low']:.2f}–{score['high']:.2f}, n {score['n']})"


def _why(row: dict[str, Any]) -> str:
    return " (" + "; ".join(row["reasons"]) + ")" if row["reasons"] else ""
