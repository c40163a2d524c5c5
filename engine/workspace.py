"""Where things lie in a workspace, and the lock that lets one process at a time change it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import LunaError, UsageError
from ledger.head import HeadStore
from ledger.lineage import Lineage
from ledger.manifest import Manifest, read_manifest, read_manifests
from ledger.store import LedgerStore

_LOOKS_LAST_S = 0.2
_RETRY_S = 0.01


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a workspace's lock: its process id, what it does, and since when (seconds since the epoch)."""

    pid: int
    purpose: str
    since: float


@dataclass(frozen=True, slots=True)
class Workspace:
    """The paths of one workspace; nothing is created by looking at it."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Return the workspace at `root`; raises UsageError when it is none: no directory, or without luna.toml."""
        root = root.expanduser().resolve()
        if not (root / "luna.toml").is_file():
            if root.exists() and not root.is_dir():
                title, hint = "this is a file, and a workspace is a directory", "name the directory: -w DIR"
            elif root.is_dir():
                title = "this is not a luna workspace: there is no luna.toml, nor in any directory above"
                hint = f"make one with: luna-tui init {root} --demo   (or name another directory with -w DIR)"
            else:
                title = "this is not a luna workspace: there is no such directory"
                hint = f"make one with: luna-tui init {root} --demo   (or name another directory with -w DIR)"
            raise UsageError(title, where=str(root), hint=hint)
        return cls(root)

    @property
    def config_path(self) -> Path:
        return self.root / "luna.toml"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def base_dir(self) -> Path:
        return self.models / "base"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def lock_path(self) -> Path:
        return self.models / ".lock"

    @property
    def stop_file(self) -> Path:
        """Where another process asks the holder of the lock to stop."""
        return self.models / ".stop"

    def log(self, name: str) -> Path:
        """The path of a log file beside the runs; its directory is made."""
        self.runs.mkdir(parents=True, exist_ok=True)
        return self.runs / name

    def gguf(self, gen: int) -> Path:
        """The file a person chats with."""
        return self.models / f"luna_age_{gen}.gguf"

    def generation(self, gen: int) -> Path:
        """The directory of one generation's evidence."""
        return self.models / "generations" / str(gen)

    @property
    def weights_cache(self) -> Path:
        """Full-precision weights of generations, rebuilt from the deltas whenever they are missing."""
        return self.models / "cache"

    @property
    def ledger(self) -> LedgerStore:
        return LedgerStore(self.models)

    @property
    def head(self) -> HeadStore:
        return HeadStore(self.models)

    def manifest(self, gen: int) -> Manifest | None:
        """A generation's manifest, or None for a hand-written row; raises LedgerDamaged when it cannot be read."""
        path = self.generation(gen) / "manifest.json"
        return read_manifest(path) if path.exists() else None

    def lineage(self) -> Lineage:
        """The tree of all generations as the ledger, the head log and the manifests tell it."""
        rows = self.ledger.read()
        return Lineage.build(rows, self.head.current(), read_manifests(self.models))

    @contextlib.contextmanager
    def lock(self, purpose: str) -> Generator[None]:
        """Hold the workspace against other writers; raises LunaError naming the process that holds it.

        An flock, so that a killed process leaves nothing to clean up. A request to stop belongs to one holder: none
        outlives it.
        """
        self.models.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                _take(fd)
            except OSError as error:
                raise LunaError(
                    f"this workspace is in use ({_name_of_holder(self.lock_path)})",
                    where=str(self.root),
                    hint="wait for it, or stop it; reading commands (lineage, eval, chat, verify) work meanwhile",
                ) from error
            # Before the name is written: whoever reads the name asks this process, and is not to be lost.
            self.stop_file.unlink(missing_ok=True)
            holder = {"pid": os.getpid(), "purpose": purpose, "since": time.time()}
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(holder).encode(), 0)
            try:
                yield
            finally:
                os.ftruncate(fd, 0)
                with contextlib.suppress(OSError):
                    self.stop_file.unlink(missing_ok=True)
        finally:
            os.close(fd)


def read_holder(path: Path) -> Holder | None:
    """Return the holder that a lock file names, whether or not it still holds the lock; None when it names nobody."""
    try:
        data = json.loads(path.read_text())
        return Holder(int(data["pid"]), str(data["purpose"]), float(data["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _take(fd: int) -> None:
    """Take the lock, or raise OSError when somebody has it: one refusal may be only another process's look at it."""
    give_up = time.monotonic() + _LOOKS_LAST_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                raise
        time.sleep(_RETRY_S)


def _name_of_holder(path: Path) -> str:
    holder = read_holder(path)
    return f"{holder.purpose}, pid {holder.pid}" if holder is not None else "its name is not known"
