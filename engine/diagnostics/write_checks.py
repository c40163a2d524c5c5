"""The `doctor` checks of writing: whether the workspace is writable, and whether locks keep two writers apart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.config.config import Config
from engine.diagnostics.machine_checks import Check
from engine.workspace.layout import Workspace
from ledger.locking import flock_fault


def check_writing(workspace: Workspace, config: Config) -> list[Check]:
    """Try to create and lock a file in each folder that commands write to; the file is removed again."""
    folders = [workspace.root, workspace.models, workspace.runs, workspace.root / config.curriculum.inbox]
    refused = [*_refused_files(workspace)]
    faults: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            continue
        try:
            faults.append(flock_fault(folder))
        except OSError as error:
            refused.append(f"{_name(workspace, folder)} ({error.strerror or error})")
    found = [Check("ok", "writing", "everything that commands write can be written", "")]
    if refused:
        detail = f"read-only here: {', '.join(refused)}"
        remedy = (
            "what only reads works (lineage, chat, eval, matrix, compare, verify); to train, roll back or collect, "
            "check owner and mode, and whether the disk is mounted read-only"
        )
        found = [Check("warn", "writing", detail, remedy)]
    broken = [fault for fault in faults if fault]
    if broken:
        remedy = "one process at a time is kept by an owner file; prefer a local disk, or mount this one with locks"
        found.append(Check("warn", "locks", broken[0], remedy))
    elif faults:
        found.append(Check("ok", "locks", "a file that is locked is refused to others", ""))
    return found


def _refused_files(workspace: Workspace) -> Iterator[str]:
    names = ("lineage_ledger.csv", "head.log", "HEAD", ".lock")
    for path in (workspace.models / name for name in names):
        if not path.exists():
            continue
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        except OSError as error:
            yield f"{_name(workspace, path)} ({error.strerror or error})"


def _name(workspace: Workspace, path: Path) -> str:
    return "the workspace" if path == workspace.root else path.relative_to(workspace.root).as_posix()
