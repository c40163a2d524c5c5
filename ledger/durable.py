"""Writes that survive a crash: files replaced atomically, and logs appended to one line at a time.

An append takes the lock, writes everything in one `write`, checks the count, and fsyncs the file and its directory.
What a crash or a full disk leaves behind is a torn last line. It is never removed: the next append closes it with
`TORN_MARK`, so that it stays as evidence and can never be read as a record, not even when it happens to look like a
whole one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final

from ledger.errors import LedgerError
from ledger.locking import exclusive

TORN_MARK: Final = b"#torn"

# After a failed fsync the kernel may have dropped the dirty pages and marked them clean: a later fsync that
# "succeeds" proves nothing. So for the rest of this process the file is read-only, whichever object asks.
_failed_fsync: dict[Path, str] = {}


class AppendFile:
    """An append-only file held under an exclusive lock; created by `open_for_append`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def read(self) -> bytes:
        """Return the whole content as it is under the lock."""
        size = os.fstat(self._descriptor).st_size
        parts: list[bytes] = []
        offset = 0
        while offset < size and (part := os.pread(self._descriptor, size - offset, offset)):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def ends_whole(self) -> bool:
        """Return whether the content is empty or ends with a line end, which a torn last line lacks."""
        size = os.fstat(self._descriptor).st_size
        return size == 0 or os.pread(self._descriptor, 1, size - 1) == b"\n"

    def append(self, data: bytes) -> None:
        """Append `data` and return when it is on disk; raises LedgerError when that cannot be guaranteed."""
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            raise LedgerError(
                f"nothing was written: {error.strerror}",
                where=str(self._path),
                hint="free some disk space and try again",
            ) from error
        if written != len(data):
            raise LedgerError(
                f"only {written} of {len(data)} bytes could be written; the torn line stays as evidence",
                where=str(self._path),
                hint="free some disk space and try again: the next append closes the torn line and goes on after it",
            )
        try:
            os.fsync(self._descriptor)
            _fsync_directory(self._path.parent)
        except OSError as error:
            _failed_fsync[self._path.resolve()] = error.strerror or str(error)
            raise _read_only(self._path) from error


@contextlib.contextmanager
def open_for_append(path: Path) -> Generator[AppendFile]:
    """Open (or create) `path` for appending under an exclusive lock that other processes and threads wait for.

    Raises LedgerError when the file cannot be opened, or an fsync of it has failed in this process before.
    """
    if path.resolve() in _failed_fsync:
        raise _read_only(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LedgerError(
            f"cannot be opened for writing: {error.strerror}", where=str(path), hint=_hint(error)
        ) from error
    with contextlib.ExitStack() as held:
        held.callback(os.close, descriptor)  # closing releases the lock
        try:
            held.enter_context(exclusive(path, descriptor))
        except OSError as error:
            raise LedgerError(
                f"cannot be locked: {error.strerror or error}", where=str(path), hint=_hint(error)
            ) from error
        yield AppendFile(path, descriptor)


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`, empty when there is no such file; raises LedgerError when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise LedgerError(
            f"cannot be read: {error.strerror}", where=str(path), hint="check the owner and mode of the file"
        ) from error


def write_durable(path: Path, data: bytes) -> None:
    """Replace `path` by `data` atomically: temporary file, fsync, rename, fsync of the directory.

    Raises LedgerError; the old content is then still there, unless only the directory's fsync failed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _fsync_directory(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # where writing is not permitted, removing is not either
            temporary.unlink(missing_ok=True)
        raise LedgerError(f"could not be written: {error.strerror}", where=str(path), hint=_hint(error)) from error


def make_durable(path: Path) -> None:
    """Fsync a file that another writer made, or all files under a directory, and the parent; raises LedgerError."""
    try:
        if path.is_dir():
            for folder, _, names in os.walk(path):
                for name in names:
                    _fsync(Path(folder, name))
                _fsync_directory(Path(folder))
        else:
            _fsync(path)
        _fsync_directory(path.parent)
    except OSError as error:
        raise LedgerError(
            f"could not be brought to disk: {error.strerror}", where=str(path), hint="check the disk"
        ) from error


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hint(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "it may only be read here: check its owner and mode, and whether its disk is mounted read-only"
    return "check the disk and its free space"


def _read_only(path: Path) -> LedgerError:
    return LedgerError(
        f"read-only: bringing it to disk failed ({_failed_fsync[path.resolve()]}), what was written last may be lost",
        where=str(path),
        hint="check the disk, then start luna-tui again and run `luna-tui verify`",
    )
