"""Shell completion for arguments; it runs while the user types, so any failure yields no completions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

_NEWEST = 50


def generations(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return HEAD, base and the newest generations of the workspace named by the words before, or of this one."""
    try:
        offered = list(_names(_workspace(context)))
    except Exception:  # no workspace, a damaged ledger: the command itself reports it
        offered = []
    return [(name, told) for name, told in offered if name.startswith(incomplete)]


def targets(incomplete: str) -> list[str]:
    """Return the programs that a generation can be exported for."""
    from engine.publish.targets import TARGETS

    return [name for name in TARGETS if name.startswith(incomplete)]


def _names(root: Path) -> Iterator[tuple[str, str]]:
    from engine.workspace.layout import Workspace

    lineage = Workspace.open(root).lineage()
    yield "HEAD", "the base" if lineage.head is None else f"G{lineage.head}"
    yield "base", "before the first generation"
    for node in lineage.nodes()[: -_NEWEST - 1 : -1]:
        yield f"G{node.gen}", f"{node.verdict}, {node.row.child_sha[:8]}"


def _workspace(context: Any) -> Path:
    from luna_tui.cli.where import workspace_at

    named: Path | None = None
    while context is not None and named is None:
        named, context = context.params.get("workspace"), context.parent
    return workspace_at(Path(named or os.environ.get("LUNA_WORKSPACE") or "."))
