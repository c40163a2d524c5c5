"""Record a generation in the only order in which a crash cannot leave a false record.

Artefacts are on disk first, then the manifest that vouches for them, then the ledger row, then the log, and HEAD last.
A crash before the row leaves files that count for nothing; from the row on the generation exists, and
`finish_recording` adds the rest.
"""

from __future__ import annotations

from pathlib import Path

from ledger.durable import make_durable
from ledger.errors import LedgerBadInput
from ledger.head import HeadStore
from ledger.manifest import (
    Manifest,
    generation_dir,
    gguf_name,
    manifest_path,
    manifest_sha,
    read_manifest,
    write_manifest,
)
from ledger.store import LedgerStore

_REASON = "finished after an interruption"


def record_generation(models_dir: Path, manifest: Manifest, *, reason: str) -> str:
    """Record a generation whose GGUF and evidence are in place, and return the manifest's SHA-256.

    An accepted one becomes HEAD. `reason` is written to the log. Raises LedgerBadInput, LedgerDamaged or LedgerError as
    `LedgerStore.append` does; the generation is recorded if and only if its row is in the ledger.
    """
    finish_recording(models_dir)
    store = LedgerStore(models_dir)
    if any(row.gen_id == manifest.gen for row in store.read()):
        raise LedgerBadInput(f"G{manifest.gen} is already in the ledger", hint="a GEN_ID is never used twice")
    path = manifest_path(models_dir, manifest.gen)
    if path.exists() and read_manifest(path) != manifest:
        raise LedgerBadInput(
            f"G{manifest.gen} has another run's manifest", where=str(path), hint="a manifest is never replaced"
        )
    make_durable(models_dir / gguf_name(manifest.gen))
    make_durable(generation_dir(models_dir, manifest.gen))
    sha = write_manifest(models_dir, manifest)
    store.append(manifest.ledger_row)
    _log(HeadStore(models_dir), manifest, sha, reason)
    return sha


def finish_recording(models_dir: Path) -> int | None:
    """Write the log entries that a crash after the newest row prevented.

    They are its record, and the move of HEAD if it was accepted. Returns the GEN_ID that was finished, None when there
    was nothing to do. Call it when a workspace is opened for training; not before `verify`, which must see the files as
    they are. Raises LedgerDamaged as reading does.
    """
    rows = LedgerStore(models_dir).read()
    if not rows or not manifest_path(models_dir, rows[-1].gen_id).exists():
        return None
    gen = rows[-1].gen_id
    head = HeadStore(models_dir)
    entries = head.entries()
    if not any(entry.action == "record" and entry.gen == gen for entry in entries):
        path = manifest_path(models_dir, gen)
        _log(head, read_manifest(path), manifest_sha(path), _REASON)
    elif entries[-1].action == "record" and entries[-1].gen == gen and entries[-1].verdict == "accepted":
        head.append("accept", gen=gen, reason=_REASON)
    else:
        return None
    return gen


def _log(head: HeadStore, manifest: Manifest, sha: str, reason: str) -> None:
    head.append("record", gen=manifest.gen, reason=reason, manifest_sha=sha, verdict=manifest.verdict)
    if manifest.verdict == "accepted":
        head.append("accept", gen=manifest.gen, reason=reason)
