"""A process that records things and can be killed, starved and lied to by the tests beside it.

Usage: ledger_worker.py append MODELS FIRST STEP COUNT | head MODELS COUNT | record MODELS | short MODELS
Reports go out by writev, so that a fault injected into `write` hits only what is under test.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from unit.ledger.workspace_factory import WorkspaceFactory  # noqa: E402 - the path comes first

from ledger.errors import LedgerError  # noqa: E402
from ledger.head import HeadStore  # noqa: E402
from ledger.row import LedgerRow  # noqa: E402
from ledger.store import LedgerStore  # noqa: E402


def report(text: str) -> None:
    os.writev(1, [f"{text}\n".encode()])


def row(gen: int) -> LedgerRow:
    return LedgerRow(gen, "base_model", f"{gen:064x}", "d" * 64, 300, 2e-4, 1.5, 2.0, 0.5, 1.0, 0.9, 0.05)


def append(models: Path, first: int, step: int, count: int) -> None:
    store = LedgerStore(models)
    for gen in range(first, first + step * count, step):
        try:
            store.append(row(gen))
            report(f"ok {gen}")
        except LedgerError as error:
            report(f"error {gen} {error.title}")


def head(models: Path, count: int) -> None:
    store = HeadStore(models)
    for gen in range(count):
        store.append("accept", gen=gen, reason=f"process {os.getpid()}")
        report(f"ok {gen}")


def record(models: Path) -> None:
    factory = WorkspaceFactory(models)
    try:
        for step in factory.steps(factory.next_gen()):
            report(f"ok {step}")
    except LedgerError as error:
        report(f"error {error.title}")


def short(models: Path) -> None:
    """Let each write stop after some bytes (RLIMIT_FSIZE), then give room again and append the same row."""
    store = LedgerStore(models)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    gen = 0
    store.append(row(gen))
    for room in range(0, len(row(1).to_line()) + 1, 3):
        gen += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size + room, hard))
        try:
            store.append(row(gen))
            report(f"ok {gen}")
        except LedgerError as error:
            report(f"error {gen} {error.title}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        store.append(row(gen))


if __name__ == "__main__":
    command, models_dir, *numbers = sys.argv[1:]
    report("ready")
    if os.environ.get("WAIT_FOR_START"):
        sys.stdin.readline()
    {"append": append, "head": head, "record": record, "short": short}[command](Path(models_dir), *map(int, numbers))
