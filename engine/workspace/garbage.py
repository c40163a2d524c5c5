"""Find and delete what a workspace can do without: everything that can be made again, and nothing that is evidence.

Never collected: the ledger, HEAD and its log, manifests, deltas, data, curriculum, journals, HEAD's GGUF, and whatever
an unfinished run needs to resume.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.core.errors import Damaged, LunaError
from engine.workspace.layout import Workspace
from engine.workspace.manifest_cache import cache_file
from engine.workspace.runs import Run, unfinished_runs
from ledger.errors import LedgerDamaged
from ledger.hashing import sha256_file
from ledger.lineage import Lineage
from ledger.manifest import Manifest

Kind = Literal["work", "weights", "staging", "gguf"]


@dataclass(frozen=True, slots=True)
class Garbage:
    """A path that may be deleted: kind, absolute path, size in bytes, why that is safe, and a GGUF's generation."""

    kind: Kind
    path: Path
    size: int
    why: str
    gen: int | None = None

    def to_dict(self, workspace: Workspace) -> dict[str, object]:
        """Return the item as `gc --json` prints it; the path is relative to the workspace."""
        path = self.path.relative_to(workspace.root).as_posix()
        return {"kind": self.kind, "path": path, "size": self.size, "why": self.why, "gen": self.gen}


def find_garbage(workspace: Workspace, *, ggufs: bool = False) -> list[Garbage]:
    """List what may be deleted, without changing anything; `ggufs` adds rebuildable GGUFs of generations beside HEAD.

    Raises LedgerDamaged when the ledger cannot be read.
    """
    resumable = [run for run, _ in unfinished_runs(workspace)]
    found = [*_work(workspace, resumable), *_weights(workspace), *_staging(workspace, resumable)]
    if ggufs:
        found += _ggufs(workspace)
    return found


def collect(workspace: Workspace, found: list[Garbage]) -> int:
    """Delete the items of `found` that are still garbage, under the workspace's lock; return the bytes freed.

    A GGUF is deleted only after its deltas were checked against their manifests and the log records its collection.
    Raises LunaError when another process holds the lock or a path cannot be deleted, LedgerDamaged when a delta differs
    from its record.
    """
    freed = 0
    with workspace.lock("gc"):
        wanted_ggufs = any(item.kind == "gguf" for item in found)
        still = {item.path: item for item in find_garbage(workspace, ggufs=wanted_ggufs)}
        for item in found:
            now = still.get(item.path)
            if now is None or now.kind != item.kind:
                continue
            if now.kind == "gguf":
                _note_collected(workspace, now)
            _delete(now.path)
            freed += now.size
    return freed


def _work(workspace: Workspace, resumable: Sequence[Run]) -> Iterator[Garbage]:
    for folder in _folders(workspace.runs):
        run, work = Run.at(workspace, folder.name), folder / "work"
        if run in resumable or not (work.is_dir() or work.is_symlink()):
            continue
        try:
            finished = run.state().status == "finished"
        except Damaged:
            yield Garbage("work", work, _size(work), "its run has no readable state, so it cannot be resumed")
            continue
        why = "the run is finished" if finished else "abandoned: the run can no longer be resumed"
        yield Garbage("work", work, _size(work), why)


def _weights(workspace: Workspace) -> Iterator[Garbage]:
    cache = workspace.weights_cache
    again = {
        cache_file(workspace): "read again from the manifests",
        workspace.row_lengths: "measured again by the base's tokenizer",
    }
    if cache.is_dir() and not cache.is_symlink():
        for path in sorted(cache.iterdir()):
            why = again.get(path, "rebuilt from the base and the deltas")
            yield Garbage("weights", path, _size(path), why)


def _staging(workspace: Workspace, resumable: Sequence[Run]) -> Iterator[Garbage]:
    kept = {run.staging for run in resumable}
    for folder in _folders(workspace.models / "generations"):
        if folder.name.startswith(".staging-") and folder not in kept:
            yield Garbage("staging", folder, _size(folder), "left by a run that can no longer be resumed")


def _ggufs(workspace: Workspace) -> Iterator[Garbage]:
    lineage = workspace.lineage()
    if not _base_is_there(workspace):
        return
    for node in lineage.nodes():
        path = workspace.gguf(node.gen)
        if node.is_head or not path.is_file() or not _rebuildable(workspace, lineage, node.gen):
            continue
        why = "rejected" if node.verdict in ("rejected", "stopped") else "not HEAD"
        yield Garbage("gguf", path, _size(path), f"{why}; rebuilt from its deltas when it is asked for", node.gen)


def _base_is_there(workspace: Workspace) -> bool:
    return any(workspace.base_dir.glob("*.gguf"))


def _rebuildable(workspace: Workspace, lineage: Lineage, gen: int) -> bool:
    """Return whether the generation and all its ancestors have a recorded delta of the recorded size."""
    return all(
        (manifest := lineage.node(at).manifest) is not None
        and (facts := _delta(manifest)) is not None
        and (workspace.models / facts[0]).is_file()
        and (workspace.models / facts[0]).stat().st_size == facts[1]
        for at in (*lineage.ancestors(gen), gen)
    )


def _delta(manifest: Manifest) -> tuple[str, int, str] | None:
    """Return path below models/, size in bytes and SHA-256 of a generation's recorded delta, None without one."""
    name = f"generations/{manifest.gen}/delta.safetensors"
    facts = manifest.files.get(name)
    return None if facts is None else (name, facts["bytes"], facts["sha256"])


def _note_collected(workspace: Workspace, item: Garbage) -> None:
    if item.gen is None:
        raise LunaError("a GGUF without a generation cannot be collected", where=str(item.path))
    lineage = workspace.lineage()
    for at in (*lineage.ancestors(item.gen), item.gen):
        manifest = lineage.node(at).manifest
        facts = _delta(manifest) if manifest is not None else None
        if facts is None or sha256_file(workspace.models / facts[0]) != facts[2]:
            raise LedgerDamaged(
                f"the delta of G{at} is not what was recorded, so G{item.gen} could not be rebuilt",
                where=str(workspace.generation(at)),
                hint="its GGUF was kept; `luna-tui verify` shows what else is hurt",
            )
    # The log first: a GGUF that is gone without a log entry would be damage, a logged one that is still there is not.
    workspace.head.append("collect", gen=item.gen, reason=f"gc: {item.why}")


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.is_symlink())


def _size(path: Path) -> int:
    """Return the bytes below a path; links are counted as links, never followed."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(entry.lstat().st_size for entry in path.rglob("*") if entry.is_symlink() or entry.is_file())


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise LunaError(
            f"could not be deleted: {error.strerror or error}", where=str(path), hint="check the permissions"
        ) from error
