"""The checks of one generation; each returns pairs of a file, relative to models/, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.hashing import sha256_text, short_sha
from ledger.manifest import Manifest, files_under, generation_dir, generation_ids, gguf_name, manifest_path
from ledger.row import COLUMNS, LedgerRow, contradicts, is_sha_prefix

Found = list[tuple[str, str]]

_LEDGER_FILE = "lineage_ledger.csv"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to verify of a generation.

    `collected` is whether its GGUF may be missing; `hash_file` returns a file's SHA-256.
    """

    models_dir: Path
    gen: int
    manifest: Manifest | None
    collected: bool
    hash_file: Callable[[Path], str]


def check_files(evidence: Evidence, row: LedgerRow) -> Found:
    """Check every recorded file against its SHA-256, the GGUF against `child_sha`, and that no other file is there."""
    gguf = gguf_name(evidence.gen)
    manifest = evidence.manifest
    if manifest is None:
        # A hand-written row, or one whose manifest is damaged: the row itself still vouches for the GGUF.
        path = evidence.models_dir / gguf
        return _check_gguf(gguf, evidence.hash_file(path), row) if path.is_file() else []
    found: Found = []
    delta_name = f"generations/{evidence.gen}/data/new.jsonl"
    for name, facts in manifest.files.items():
        path = evidence.models_dir / name
        if name == gguf and evidence.collected and not path.exists():
            continue
        try:
            size = path.stat().st_size
            sha = evidence.hash_file(path)
        except OSError as error:
            found.append(
                (name, "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}")
            )
            continue
        if sha != facts["sha256"]:
            grown = "" if size == facts["bytes"] else f" and {size} bytes, recorded {facts['bytes']}"
            found.append((name, f"SHA-256 is {short_sha(sha)}…, recorded {short_sha(facts['sha256'])}…{grown}"))
    # The row must agree with what is recorded; that the files agree with the record has just been checked.
    if gguf not in manifest.files:
        found.append((gguf, "is not among the recorded files"))
    else:
        found += _check_gguf(gguf, manifest.files[gguf]["sha256"], row)
    delta = manifest.files.get(delta_name)
    if delta is None or delta["sha256"] != row.data_delta_sha:
        found.append((delta_name, f"is not what data_delta_sha {short_sha(row.data_delta_sha)}… of the row says"))
    here = generation_dir(evidence.models_dir, evidence.gen)
    own = manifest_path(evidence.models_dir, evidence.gen)
    present = {path.relative_to(evidence.models_dir).as_posix() for path in files_under(here) if path != own}
    found += [(name, "is not among the recorded files") for name in sorted(present - set(manifest.files))]
    return found


def check_row(manifest: Manifest, row: LedgerRow, fields: tuple[str, ...]) -> Found:
    """Check the ledger row, field by field exactly as written, against the manifest's copy and its SHA-256."""
    found: Found = []
    for column, text, recorded in zip(COLUMNS, fields, manifest.row_fields, strict=True):
        if text != recorded:
            found.append((_LEDGER_FILE, f"{column} of G{row.gen_id} is {text!r}, recorded {recorded!r}"))
    if sha256_text(",".join(manifest.row_fields)) != manifest.row_sha:
        found.append((_manifest_name(manifest.gen), "row_sha is not the SHA-256 of its row"))
    return found


def check_parent(
    manifest: Manifest,
    row: LedgerRow,
    rows: Mapping[int, LedgerRow],
    parents: Mapping[int, int | None],
    manifest_shas: Mapping[int, str | None],
) -> Found:
    """Check the parent by GEN_ID, by hash and by manifest; `manifest_shas` are those that head.log records."""
    name = _manifest_name(manifest.gen)
    parent = manifest.parent_gen
    if manifest.gen in parents and parents[manifest.gen] != parent:
        linked = parents[manifest.gen]
        told = "the base" if parent is None else f"G{parent}"
        return [(name, f"says its parent is {told}, the ledger says {'the base' if linked is None else f'G{linked}'}")]
    if parent is None:
        return [] if manifest.parent_manifest_sha is None else [(name, "has a parent manifest, but no parent")]
    if parent not in rows:
        return [(name, f"its parent G{parent} is not in the ledger")]
    found: Found = []
    known = rows[parent].child_sha
    if not (row.parent_sha.startswith(known) or known.startswith(row.parent_sha)):
        found.append((_LEDGER_FILE, f"parent_sha of G{row.gen_id} is not the child_sha of its parent G{parent}"))
    if manifest.parent_manifest_sha != manifest_shas.get(parent):
        found.append((name, f"names another manifest of G{parent} than head.log records"))
    return found


def strays(models_dir: Path, rows: Mapping[int, LedgerRow], manifests: Collection[int]) -> list[str]:
    """Return notes on leftovers: generations or models without a row, rows without a manifest.

    A crash or a person has left them behind.
    """
    notes = [
        f"generations/{gen}: no ledger row; leftover of a crash"
        for gen in generation_ids(models_dir)
        if gen not in rows
    ]
    notes += [
        f"G{gen}: {_unrecorded(models_dir / gguf_name(gen), row)}"
        for gen, row in rows.items()
        if gen not in manifests and not manifest_path(models_dir, gen).exists()
    ]
    known = {gguf_name(gen) for gen in rows}
    for path in sorted(models_dir.glob("luna_age_*.gguf")):
        if path.name not in known and re.fullmatch(r"luna_age_[0-9]+\.gguf", path.name):
            notes.append(f"{path.name}: no ledger row; leftover of a crash")
    return notes


def _unrecorded(gguf: Path, row: LedgerRow) -> str:
    """Return what can be said of a row without a manifest."""
    if not gguf.is_file():
        return "hand-written, nothing to check"
    if not is_sha_prefix(row.child_sha):
        return f"hand-written, nothing to check: {row.child_sha!r} is no SHA-256 that {gguf.name} could have"
    return f"hand-written, no manifest; only {gguf.name} can be checked"


def _check_gguf(name: str, sha: str, row: LedgerRow) -> Found:
    if not contradicts(row.child_sha, sha):
        return []
    return [(name, f"SHA-256 is {short_sha(sha)}…, child_sha of the row is {short_sha(row.child_sha)}…")]


def _manifest_name(gen: int) -> str:
    return f"generations/{gen}/manifest.json"
