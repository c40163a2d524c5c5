"""What a generation inherits: fp32 weights rebuilt from the base and every delta, and the rows trained on before it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from engine.core.errors import Damaged, UsageError
from engine.data.replay import AncestorData
from engine.data.rows import Row
from engine.models.base import BaseModel
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file
from ledger.lineage import Lineage
from ledger.manifest import Manifest
from ledger.row import is_sha_prefix

KEPT_CACHES = 2
WEIGHTS = "model.safetensors"

_VERIFY = "luna-tui verify shows what else is hurt"


def require_manifest(workspace: Workspace, gen: int) -> Manifest:
    """Return the manifest of a generation that was trained here; raises UsageError for a hand-written row."""
    manifest = workspace.manifest(gen)
    if manifest is None:
        raise UsageError(
            f"G{gen} was not trained in this workspace, so nothing can be trained from it",
            where=str(workspace.generation(gen)),
            hint="a hand-written row can be shown and chatted with; train from one trained here (--parent GEN)",
        )
    return manifest


def require_own_line(workspace: Workspace, lineage: Lineage, parent: int | None) -> None:
    """Raise UsageError when nothing can be trained from `parent` (None: the base), since its rows are hand-written."""
    path = () if parent is None else (*lineage.ancestors(parent), parent)
    for gen in path:
        require_manifest(workspace, gen)
    nodes = lineage.nodes()
    if not path and nodes and not is_sha_prefix(nodes[0].row.parent_sha):
        raise UsageError(
            f"the ledger's rows are hand-written and descend from {nodes[0].row.parent_sha}, which is no model here",
            where=str(workspace.ledger.path),
            hint="they can be shown and chatted with; train in a workspace of its own: luna-tui init DIR",
        )


def require_evidence(workspace: Workspace, gen: int) -> Manifest:
    """Return the manifest of a generation that others can descend from.

    Raises UsageError for a hand-written row, which has no delta here, and Damaged when a recorded delta is missing.
    """
    manifest = require_manifest(workspace, gen)
    if not _delta(workspace, gen).is_file():
        raise Damaged(f"the delta of G{gen} is missing", where=str(_delta(workspace, gen)), hint=_VERIFY)
    return manifest


def weights_dir(workspace: Workspace, base: BaseModel, path: Sequence[int]) -> Path:
    """Return a Hugging Face directory with the fp32 weights at the end of `path`.

    `path` lists generations, root first; an empty one stands for the base. The weights are built from the nearest
    cached ancestor, or the base, by adding deltas in order; only the newest caches are kept. The caller holds the
    workspace's lock, so that no other process drops a cache that is being read.
    """
    if not path:
        return base.weights
    caches = [_cache(workspace, gen) for gen in path]
    target = caches[-1]
    if (target / WEIGHTS).exists():
        os.utime(target)  # a cache counts as new by its last use
        return target
    from engine.gguf.weights import load_weights, rebuild, save_weights

    start, directory = 0, base.weights
    for index in range(len(path) - 1, 0, -1):
        if (caches[index - 1] / WEIGHTS).exists():
            start, directory = index, caches[index - 1]
            break
    deltas = [checked_delta(workspace, gen) for gen in path[start:]]
    save_weights(rebuild(load_weights(directory), deltas), target, base.weights)
    _drop_old_caches(workspace.weights_cache, keep=target)
    return target


def checked_delta(workspace: Workspace, gen: int) -> Path:
    """Return the path of a generation's delta; raises Damaged unless its SHA-256 is the recorded one."""
    manifest = require_evidence(workspace, gen)
    path = _delta(workspace, gen)
    recorded = manifest.files.get(path.relative_to(workspace.models).as_posix())
    if recorded is None or sha256_file(path) != recorded["sha256"]:
        raise Damaged(f"the delta of G{gen} is not the recorded one", where=str(path), hint=_VERIFY)
    return path


def new_rows_of(workspace: Workspace, gen: int) -> list[Row]:
    """Return every row that was new in a generation, holdout included; raises Damaged when they cannot be read."""
    return _rows(workspace.generation(gen) / "data" / "new.jsonl")


def holdout_ids_of(workspace: Workspace, gen: int) -> set[str]:
    """Return the ids of the answers and texts a generation holds out; raises Damaged when they cannot be read."""
    return {id_ for row in _rows(workspace.generation(gen) / "data" / "holdout.jsonl") for id_ in row.ids}


def development_ids_of(workspace: Workspace, gen: int) -> set[str]:
    """Return the ids of the answers and texts a generation kept to choose α by, if rescue was on.

    They are in neither its training nor its exam.
    """
    path = workspace.generation(gen) / "data" / "development.jsonl"
    return {id_ for row in _rows(path) for id_ in row.ids} if path.exists() else set()


def ancestor_data(workspace: Workspace, path: Sequence[int]) -> tuple[list[AncestorData], set[str], set[str]]:
    """Return what each ancestor was trained on, the ids any of them has seen, and the ids any of them holds out.

    Development rows count as held out.
    """
    ancestors: list[AncestorData] = []
    seen: set[str] = set()
    held: set[str] = set()
    for gen in path:
        rows = new_rows_of(workspace, gen)
        holdout = holdout_ids_of(workspace, gen) | development_ids_of(workspace, gen)
        ancestors.append(AncestorData(gen, [row for row in rows if holdout.isdisjoint(row.ids)]))
        seen.update(id_ for row in rows for id_ in row.ids)
        held |= holdout
    return ancestors, seen, held


def _delta(workspace: Workspace, gen: int) -> Path:
    return workspace.generation(gen) / "delta.safetensors"


def _cache(workspace: Workspace, gen: int) -> Path:
    """Return the cache directory of a generation's weights, named by content too, so that no stale cache is used."""
    return workspace.weights_cache / f"G{gen}-{require_evidence(workspace, gen).row['child_sha'][:12]}"


def _rows(path: Path) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(path), hint=_VERIFY) from error
    return [Row.from_json(line, source=f"{path.name}:{n}") for n, line in enumerate(lines, start=1) if line]


def _drop_old_caches(cache: Path, keep: Path) -> None:
    caches = sorted((d for d in cache.iterdir() if d.is_dir() and d != keep), key=lambda d: d.stat().st_mtime)
    for directory in caches[: max(0, len(caches) - (KEPT_CACHES - 1))]:
        shutil.rmtree(directory, ignore_errors=True)
