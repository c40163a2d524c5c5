"""Checkpoints that can be trusted: a manifest with the hashes of the trainer's files, written last, validates one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from engine.workspace.runs import step_of
from ledger.durable import make_durable, write_durable
from ledger.hashing import sha256_file

_MANIFEST = "luna_checkpoint.json"


def seal(directory: Path) -> None:
    """Make every file of a checkpoint durable, then write the manifest that marks it as complete."""
    files = sorted(f for f in directory.iterdir() if f.is_file() and f.name != _MANIFEST)
    make_durable(directory)
    manifest = {f.name: {"sha256": sha256_file(f), "bytes": f.stat().st_size} for f in files}
    write_durable(directory / _MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())


def newest_sealed(directory: Path) -> Path | None:
    """Return the checkpoint with the highest step whose files match its manifest, or None."""
    found = [(step, path) for path in directory.glob("checkpoint-*") if (step := step_of(path)) is not None]
    for _, path in sorted(found, reverse=True):
        if is_intact(path):
            return path
    return None


def drop_unusable(directory: Path, resume_from: Path | None) -> None:
    """Remove every checkpoint later than the one to resume from (all of them without one).

    They are unsealed or damaged. If they stayed, the trainer, which keeps the highest steps, would delete good ones in
    their favour.
    """
    start = (step_of(resume_from) or 0) if resume_from else 0
    for path in directory.glob("checkpoint-*"):
        if (step_of(path) or 0) > start:
            shutil.rmtree(path)


def is_intact(checkpoint: Path) -> bool:
    """Return whether a checkpoint is sealed and every file still has its recorded size and SHA-256."""
    try:
        manifest = json.loads((checkpoint / _MANIFEST).read_text())
        return "trainer_state.json" in manifest and all(
            (checkpoint / name).stat().st_size == facts["bytes"] and sha256_file(checkpoint / name) == facts["sha256"]
            for name, facts in manifest.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
