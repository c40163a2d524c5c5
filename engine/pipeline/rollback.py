"""Rollback: move HEAD to any generation or the base; nothing is deleted, and the next training makes a branch."""

from __future__ import annotations

from engine.core.errors import UsageError
from engine.models.resolve import name_of
from engine.pipeline.steps.record import finish_leftovers
from engine.workspace.layout import Workspace


def rollback(workspace: Workspace, ref: str, *, reason: str) -> dict[str, int | None]:
    """Move HEAD to `ref` and return its GEN_ID before (`from`) and after (`to`), None being the base.

    Raises LedgerBadInput for an unknown reference and UsageError when HEAD is there already.
    """
    with workspace.lock("rollback"):
        finish_leftovers(workspace)
        lineage = workspace.lineage()
        named = name_of(lineage, ref)
        before = lineage.head
        if named.gen == before:
            raise UsageError(f"HEAD is at {named.label} already", where=ref)
        workspace.head.append("rollback", gen=named.gen, to=named.gen, reason=reason or "rolled back by hand")
    return {"from": before, "to": named.gen}
