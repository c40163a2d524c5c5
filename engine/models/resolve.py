"""Resolve what the user types (`3`, `G3`, `HEAD`, `base`, a SHA prefix) to a generation and the GGUF that runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import Damaged, UsageError
from engine.core.gen_label import gen_label
from engine.models.base import BaseModel, require_intact
from engine.models.rebuild_gguf import restore_gguf
from engine.runtime.client import Runtime
from engine.runtime.protocol import ModelInfo
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file
from ledger.lineage import Lineage
from ledger.row import contradicts


@dataclass(frozen=True, slots=True)
class Named:
    """A generation, or the base (`gen` None), with the label that messages use."""

    gen: int | None
    label: str


def name_of(lineage: Lineage, reference: str) -> Named:
    """Resolve a reference to a generation; raises LedgerBadInput for an unknown or ambiguous one."""
    gen = lineage.resolve(reference)
    return Named(gen, gen_label(gen))


def gguf_of(workspace: Workspace, base: BaseModel, named: Named, runtime: Runtime) -> Path:
    """Return the path of the GGUF to run, rebuilding it from the deltas when gc has collected it.

    Raises Damaged when a file that should be there is not, UsageError when a hand-written row never had one here.
    """
    if named.gen is None:
        return base.gguf
    path = workspace.gguf(named.gen)
    if path.exists():
        return path
    if named.gen in workspace.head.collected():
        return restore_gguf(workspace, base, named.gen, runtime)
    if workspace.manifest(named.gen) is None:
        hint = f"put the file there as {path.name}"
        raise UsageError(f"{named.label} is a row without its GGUF", where=str(path), hint=hint)
    raise Damaged(
        f"the GGUF of {named.label} is missing",
        where=str(path),
        hint="put it back; luna-tui verify lists everything that is not as recorded",
    )


def require_recorded(workspace: Workspace, base: BaseModel, named: Named, path: Path) -> None:
    """Raise Damaged unless the file has the recorded SHA-256, since scores of another model would be false."""
    if named.gen is None:
        require_intact(base)
        return
    recorded, found = workspace.lineage().node(named.gen).row.child_sha, sha256_file(path)
    if contradicts(recorded, found):
        raise _other_model(named, path, f"its SHA-256 is {found[:12]}…, recorded {recorded[:12]}…")


def require_same_model(workspace: Workspace, named: Named, path: Path, info: ModelInfo) -> None:
    """Raise Damaged when a loaded file's size or metadata is of another generation, without hashing gigabytes.

    Good enough to chat; a row without a manifest says too little to compare, and passes.
    """
    if named.gen is None or (manifest := workspace.manifest(named.gen)) is None:
        return
    recorded = manifest.files.get(path.name)
    if recorded is not None and path.stat().st_size != recorded["bytes"]:
        raise _other_model(named, path, f"it has {path.stat().st_size} bytes, recorded {recorded['bytes']}")
    actual = {key: info.metadata.get(f"luna.{key}") for key in ("generation", "parent_sha", "data_delta_sha")}
    row = manifest.row
    wanted = {"generation": str(named.gen), "parent_sha": row["parent_sha"], "data_delta_sha": row["data_delta_sha"]}
    wrong = [key for key in wanted if actual[key] != wanted[key]]
    if wrong:
        raise _other_model(named, path, f"its luna.{wrong[0]} is {actual[wrong[0]] or 'missing'}")


def _other_model(named: Named, path: Path, why: str) -> Damaged:
    return Damaged(
        f"this is not the GGUF recorded for {named.label}: {why}",
        where=str(path),
        hint="put the recorded file back; luna-tui verify lists everything that is not as recorded",
    )
