"""The paths of a workspace, and the lock that lets one process at a time change it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import InUse, UsageError, cannot_write
from ledger.head import HeadStore
from ledger.lineage import Lineage
from ledger.locking import exclusive
from ledger.manifest import Manifest, read_manifest, read_manifests
from ledger.owner_file import STALE_S, live_owner, owner_file
from ledger.store import LedgerStore

# A refusal may come from another process that only checks the lock, so taking it is retried for this long.
_LOOKS_LAST_S = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a workspace's lock: its process id, its purpose, and since when (seconds since the epoch)."""

    pid: int
    purpose: str
    since: float


@dataclass(frozen=True, slots=True)
class Workspace:
    """The paths of one workspace; constructing it creates nothing on disk."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Return the workspace at `root`; raises UsageError unless it is a directory with a luna.toml."""
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
        """Return the file by which another process asks the holder of the lock to stop."""
        return self.models / ".stop"

    def log(self, name: str) -> Path | None:
        """Return the path of a log file beside the runs, creating both; None where it cannot be written.

        Commands that only read continue without a log.
        """
        path = self.runs / name
        try:
            self.runs.mkdir(exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644))
        except OSError:
            return None
        return path

    def gguf(self, gen: int) -> Path:
        """Return the path of a generation's GGUF, the file that chat loads."""
        return self.models / f"luna_age_{gen}.gguf"

    def generation(self, gen: int) -> Path:
        """Return the directory of one generation's evidence: its manifest, delta and data."""
        return self.models / "generations" / str(gen)

    @property
    def weights_cache(self) -> Path:
        """Return the cache of generations' full-precision weights, rebuilt from the deltas when they are missing."""
        return self.models / "cache"

    @property
    def row_lengths(self) -> Path:
        """Return the cache of long inbox rows' token counts, measured again whenever the file is missing."""
        return self.weights_cache / "row_lengths.json"

    @property
    def ledger(self) -> LedgerStore:
        return LedgerStore(self.models)

    @property
    def head(self) -> HeadStore:
        return HeadStore(self.models)

    def manifest(self, gen: int) -> Manifest | None:
        """Return a generation's manifest, None for a hand-written row; raises LedgerDamaged when it cannot be read."""
        path = self.generation(gen) / "manifest.json"
        return read_manifest(path) if path.exists() else None

    def lineage(self) -> Lineage:
        """Return the tree of all generations, built from the ledger, the head log and the manifests."""
        rows = self.ledger.read()
        return Lineage.build(rows, self.head.current(), read_manifests(self.models))

    @contextlib.contextmanager
    def lock(self, purpose: str) -> Generator[str]:
        """Hold the workspace against other writers, and yield why file locks do not work here, empty where they do.

        Raises InUse naming the process that holds it, or LunaError saying that nothing can be written. A killed process
        leaves nothing to clean up. A stop request belongs to one holder: none outlives it.
        """
        with contextlib.ExitStack() as held:
            try:
                self.models.mkdir(exist_ok=True)
                fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                held.callback(os.close, fd)
                fault = held.enter_context(exclusive(self.lock_path, fd, wait_s=_LOOKS_LAST_S))
                # Before the name is written: a reader of that name may ask this process to stop, and that must survive.
                self.stop_file.unlink(missing_ok=True)
                holder = {"pid": os.getpid(), "purpose": purpose, "since": time.time()}
                os.ftruncate(fd, 0)
                os.pwrite(fd, json.dumps(holder).encode(), 0)
            except BlockingIOError as error:
                raise self._in_use() from error
            except OSError as error:
                raise cannot_write(error, self.models, f"{purpose} changes what is there") from error
            try:
                yield fault
            finally:
                with contextlib.suppress(OSError):
                    os.ftruncate(fd, 0)
                    self.stop_file.unlink(missing_ok=True)

    def _in_use(self) -> InUse:
        """Return the error that names the holder, and its host if that is another machine."""
        holder, owner = read_holder(self.lock_path), live_owner(self.lock_path)
        name = f"{holder.purpose}, pid {holder.pid}" if holder is not None else "its name is not known"
        hint = "wait for it, or stop it; reading commands (lineage, eval, chat, verify) work meanwhile"
        if owner is not None:
            name += f" on {owner.host}" if owner.host else ""
            hint += f"\nif that process is gone, it is free within {STALE_S:.0f} s ({owner_file(self.lock_path)})"
        return InUse(f"this workspace is in use ({name})", where=str(self.root), hint=hint)


def read_holder(path: Path) -> Holder | None:
    """Return the holder that a lock file names, whether or not it still holds the lock; None when it names none."""
    try:
        data = json.loads(path.read_text())
        return Holder(int(data["pid"]), str(data["purpose"]), float(data["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
