"""An exclusive lock on a file that holds on every file system.

flock is tried first, since the kernel releases it when a process dies. Some file systems do not have it, and some grant
it to every caller; so a granted lock is requested again through another descriptor, which must be refused. Where flock
does not hold, an owner file takes its place.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

from ledger.owner_file import live_owner, owner_file, owning

MISSING: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
"""The errno values with which flock fails where the file system has no locks."""

_RETRY_S: Final = 0.01


@contextlib.contextmanager
def exclusive(path: Path, descriptor: int, *, wait_s: float = math.inf) -> Generator[str]:
    """Hold `path`, open for writing as `descriptor`, exclusively while the block runs.

    Yields why flock cannot be used here, "" where it can. Waits up to `wait_s` seconds. Raises BlockingIOError when
    another holder keeps it for longer, another OSError when it cannot be locked at all. Closing the descriptor releases
    the flock.
    """
    give_up = time.monotonic() + wait_s
    fault = _flock(path, descriptor, give_up)
    if not fault:
        while live_owner(path) is not None:  # held from a machine where flock does not hold: it counts here, too
            if time.monotonic() >= give_up:
                raise BlockingIOError(f"{owner_file(path)} is another's")
            time.sleep(_RETRY_S)
        yield ""
        return
    with owning(path, max(0.0, give_up - time.monotonic())):
        yield fault


def flock_fault(folder: Path) -> str:
    """Return why flock cannot be used in a folder, "" where it can; raises OSError where no file can be created."""
    probe = folder / f".{os.getpid()}.lock-probe"
    descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        return _flock(probe, descriptor, time.monotonic())
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def is_held(path: Path, descriptor: int) -> bool:
    """Return whether anybody holds `path`; changes nothing, and a file that cannot be locked is not held."""
    if live_owner(path) is not None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _flock(path: Path, descriptor: int, give_up: float) -> str:
    """Take the flock and return "", or return why no flock holds here.

    Raises BlockingIOError when `give_up`, a monotonic time, has passed.
    """
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if give_up == math.inf else fcntl.LOCK_NB))
            break
        except BlockingIOError:
            if time.monotonic() >= give_up:
                raise
        except OSError as error:
            if error.errno not in MISSING:
                raise
            return f"this file system has no file locks (flock: {os.strerror(error.errno or 0)})"
        time.sleep(_RETRY_S)
    return "this file system grants a file lock to everybody who asks (flock)" if _granted_again(path) else ""


def _granted_again(path: Path) -> bool:
    """Return whether a second descriptor is granted the lock that is held."""
    second = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(second)
