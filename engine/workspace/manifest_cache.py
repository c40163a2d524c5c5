"""A derived cache of the manifest facts that lineage rows show.

With it a long lineage opens without reading thousands of manifests. Nothing depends on the file: `verify`, training,
chat and export read the manifests themselves. An entry counts only while its manifest is the same file with the same
times and size; a cache that is damaged, or cannot be written, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from engine.workspace.layout import Workspace
from ledger.errors import LedgerDamaged
from ledger.manifest import generation_ids, manifest_path, read_manifest

DATA_COUNTS: Final = ("new", "train", "holdout", "replay", "tone_asked")
"""The keys of a manifest's `data` that a row shows: counts, and the name of what its tone was probed with."""

READ_EACH_TIME = 64
"""How many manifests may be read on each call before it is worth writing the file again."""

SETTLED_SECONDS = 2.0
"""A manifest younger than this may change again within one tick of the file system's clock, so it is not cached yet."""

_FORMAT: Final = b"luna-tui lineage 1"
_NOTHING_LOGGED: Final[Mapping[int, str]] = {}
_VERIFY: Final = "restore the file from a backup; `luna-tui verify` shows what else is hurt"

Stamp = tuple[int, int, int, int]
"""Size in bytes, mtime and ctime in nanoseconds, and inode of a manifest."""


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """The part of a manifest that the lineage's rows show.

    `data` holds the `DATA_COUNTS` only, and `scores` is empty where they were not requested.
    """

    parent_gen: int | None
    phase: str
    created: str
    verdict: str
    reasons: list[str]
    data: dict[str, Any]
    scores: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: Stamp
    facts: ManifestFacts


def cache_file(workspace: Workspace) -> Path:
    """Return the path of the cache, which may be deleted at any time."""
    return workspace.weights_cache / "lineage.json"


def manifest_facts(
    workspace: Workspace,
    logged: Mapping[int, str] = _NOTHING_LOGGED,
    *,
    scores: bool = True,
) -> dict[int, ManifestFacts]:
    """Return the facts of every generation that has a manifest, by GEN_ID, reading only the manifests that changed.

    `logged` is the verdict of each generation in head.log: a cached entry that contradicts it does not count. Without
    `scores`, which are nearly all of a long lineage, they are not even read where the cache suffices. Raises
    LedgerDamaged for the first manifest that is broken.
    """
    path = cache_file(workspace)
    stamps = _stamps(workspace.models)
    before = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    settled = {gen for gen, stamp in stamps.items() if max(stamp[1], stamp[2]) < before}
    fresh = _fresh(_load(path, scores=scores), stamps, logged)
    keep = len(settled - fresh.keys()) > READ_EACH_TIME
    if keep and not scores:  # a rewritten cache must hold the scores too
        fresh = _fresh(_load(path, scores=True), stamps, logged)
    facts = {gen: fresh[gen] if gen in fresh else _read(workspace.models, gen) for gen in stamps}
    if keep:
        with contextlib.suppress(OSError):  # a read-only or full disk: the next reader reads the manifests again
            _save(path, {gen: _Kept(stamps[gen], facts[gen]) for gen in stamps if gen in settled})
    return facts


def _stamps(models: Path) -> dict[int, Stamp]:
    """Return the stamp of every manifest, by which a change is detected; taken before any manifest is read."""
    stamps: dict[int, Stamp] = {}
    prefix = os.fspath(models / "generations")
    for gen in generation_ids(models):
        name = f"{prefix}/{gen}/manifest.json"
        try:
            stat = os.stat(name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise LedgerDamaged(f"cannot be read: {error.strerror}", where=name, hint=_VERIFY) from error
        stamps[gen] = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return stamps


def _fresh(
    kept: Mapping[int, _Kept], stamps: Mapping[int, Stamp], logged: Mapping[int, str]
) -> dict[int, ManifestFacts]:
    return {
        gen: entry.facts
        for gen, entry in kept.items()
        if entry.stamp == stamps.get(gen) and entry.facts.verdict == logged.get(gen, entry.facts.verdict)
    }


def _read(models: Path, gen: int) -> ManifestFacts:
    path = manifest_path(models, gen)
    manifest = read_manifest(path)
    if manifest.gen != gen:
        raise LedgerDamaged(f"it says it is of G{manifest.gen}", where=str(path), hint=_VERIFY)
    return ManifestFacts(
        manifest.parent_gen,
        manifest.phase,
        manifest.created,
        manifest.verdict,
        manifest.verdict_reasons,
        {name: manifest.data.get(name) for name in DATA_COUNTS},
        manifest.scores,
    )


def _save(path: Path, entries: Mapping[int, _Kept]) -> None:
    """Replace the whole cache atomically; without fsync, since a torn file is detected and made again."""
    rows = [
        [gen, *kept.stamp, f.parent_gen, f.phase, f.created, f.verdict, f.reasons, f.data]
        for gen, kept in entries.items()
        for f in (kept.facts,)
    ]
    lines = [_to_line(rows), _to_line([kept.facts.scores for kept in entries.values()])]
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_bytes(_heading(lines) + b"".join(lines))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _load(path: Path, *, scores: bool) -> dict[int, _Kept]:
    """Return the entries by GEN_ID, none when the file is missing or not byte for byte what was written."""
    try:
        with path.open("rb") as file:
            heading, *lines = (file.readline() for _ in range(3 if scores else 2))
    except OSError:
        return {}
    # One digest per line, so that the short line can be trusted without reading the long one.
    if not heading.startswith(_heading(lines).removesuffix(b"\n")):
        return {}
    try:
        rows, *rest = (cast("list[Any]", json.loads(line)) for line in lines)
        parts = zip(rows, rest[0] if rest else itertools.repeat({}), strict=bool(rest))
        return {int(row[0]): _Kept((*row[1:5],), _checked([*row[5:], found])) for row, found in parts}
    except (ValueError, TypeError, RecursionError):
        return {}  # no version of luna wrote this, whatever its heading says


def _to_line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _heading(lines: Sequence[bytes]) -> bytes:
    digests = [hashlib.sha256(line).hexdigest().encode() for line in lines]
    return b" ".join([_FORMAT, *digests]) + b"\n"


def _checked(facts: list[Any]) -> ManifestFacts:
    parent_gen, phase, created, verdict, reasons, data, scores = facts
    texts = isinstance(phase, str) and isinstance(created, str) and isinstance(verdict, str)
    nested = isinstance(reasons, list) and isinstance(data, dict) and isinstance(scores, dict)
    if not (texts and nested and (parent_gen is None or isinstance(parent_gen, int))):
        raise TypeError("not the facts of a manifest")
    return ManifestFacts(*facts)
