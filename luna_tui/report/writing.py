"""Writes the report's files from a workspace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.config.config import Config
from engine.core.errors import LunaError, UsageError
from engine.experiments.study.study_file import read_study
from engine.workspace.layout import Workspace
from engine.workspace.lineage_rows import lineage_rows
from ledger.durable import write_durable
from luna_tui.report.blocks import Block, Heading, Paragraph, Picture, to_html, to_markdown
from luna_tui.report.compare import compare_part
from luna_tui.report.ladder import ladder_part
from luna_tui.report.lineage import lineage_part
from luna_tui.report.matrix import matrix_part
from luna_tui.report.reproduce import reproduce_part
from luna_tui.report.study import study_part, verdict_part


def write_report(workspace: Workspace, config: Config, out: Path) -> dict[str, str]:
    """Write report.md, report.html, the pictures and, where there is one, study.json into `out`; return the paths and
    the verdict.

    Raises UsageError when nothing has been trained, LunaError when the directory cannot be written.
    """
    lineage = workspace.lineage()
    if lineage.head is None:
        raise UsageError("there is nothing to report: HEAD is at the base", hint="train first: luna-tui train")
    path = (*lineage.ancestors(lineage.head), lineage.head)
    study = read_study(workspace)
    title = f"luna-tui: {workspace.root.name}"
    verdict = verdict_part(study)
    blocks: list[Block] = [Heading(title, 1), *verdict, *lineage_part(workspace, lineage_rows(workspace), path)]
    blocks += matrix_part(workspace, config)
    if study is not None:
        blocks += study_part(study)
    ladder, ladder_command = ladder_part(workspace)
    compared, compare_commands = compare_part(workspace)
    blocks += [*ladder, *compared]
    blocks += reproduce_part(workspace, path, study, [*ladder_command, *compare_commands])
    _write(out, blocks, title, study)
    words = next(block.text for block in verdict if isinstance(block, Paragraph))
    return {"verdict": words, "markdown": str(out / "report.md"), "html": str(out / "report.html")}


def _write(out: Path, blocks: Sequence[Block], title: str, study: dict[str, Any] | None) -> None:
    files = {"report.md": to_markdown(blocks), "report.html": to_html(blocks, title)}
    files |= {block.name: block.svg for block in blocks if isinstance(block, Picture)}
    if study is not None:
        files["study.json"] = json.dumps(study, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_durable(out / name, text.encode("utf-8"))
    except OSError as error:
        raise LunaError(
            f"the report could not be written: {error.strerror or error}",
            where=str(out),
            hint="check the permissions and the free space, or name another directory with --out",
        ) from error
