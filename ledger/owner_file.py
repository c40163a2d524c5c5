"""An owner file: who holds a lock, where the file system has no locks that hold.

It is created with O_EXCL and names host, process and start. It is stale when its process on this machine has ended or,
for another machine, when its heartbeat (the file's modification time) has stopped for `STALE_S` seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

STALE_S: Final = 60.0
_BEAT_S: Final = 5.0
_RETRY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Owner:
    """The content of an owner file.

    Besides host and process id, `scope` tells machines, boots and containers of one host name apart, `start` processes
    of one id, and `token` two locks held by one process.
    """

    host: str
    pid: int
    scope: str
    start: str
    token: str


def owner_file(path: Path) -> Path:
    """Return the path of the owner file that belongs to a locked file."""
    return path.with_name(f".{path.name.lstrip('.')}.owner")


def live_owner(path: Path) -> Owner | None:
    """Return who holds `path` by an owner file, None when nobody does or the file is stale; changes nothing."""
    file = owner_file(path)
    owner = _read(file)
    return None if owner is None or _is_stale(file, owner) else owner


@contextlib.contextmanager
def owning(path: Path, wait_s: float) -> Generator[None]:
    """Own `path` while the block runs; waits up to `wait_s` seconds for another owner.

    Raises BlockingIOError when it is owned by another for longer, OSError when no owner file can be created.
    """
    file, mine = owner_file(path), _myself()
    give_up = time.monotonic() + wait_s
    while not _create(file, mine):
        _remove_if_stale(file)
        if time.monotonic() >= give_up:
            raise BlockingIOError(f"{file} is another's")
        time.sleep(_RETRY_S)
    ended = threading.Event()
    threading.Thread(target=_beat, args=(file, mine, ended), name="luna-owner", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if _read(file) == mine:
            file.unlink(missing_ok=True)


def _create(file: Path, owner: Owner) -> bool:
    """Create the owner file; returns False when there is one already."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, json.dumps({name: getattr(owner, name) for name in Owner.__slots__}).encode())
    finally:
        os.close(descriptor)
    return True


def _remove_if_stale(file: Path) -> None:
    """Remove a stale owner file; a marker directory keeps two processes from removing each other's new one."""
    found = _read(file)
    if found is not None and not _is_stale(file, found):
        return
    marker = file.with_name(f"{file.name}.removing")
    try:
        os.mkdir(marker)
    except FileExistsError:
        if _age(marker) > STALE_S:  # left by a process that died in between
            with contextlib.suppress(OSError):
                os.rmdir(marker)
        return
    try:
        now = _read(file)  # again: the one judged stale may have been replaced meanwhile
        if now is not None and now == found and _is_stale(file, now):
            file.unlink(missing_ok=True)
    finally:
        os.rmdir(marker)


def _beat(file: Path, mine: Owner, ended: threading.Event) -> None:
    while not ended.wait(_BEAT_S):
        if _read(file) != mine:
            return
        with contextlib.suppress(OSError):
            os.utime(file)


def _read(file: Path) -> Owner | None:
    """Return the owner named, one without a name for a file that is being written or torn, None without a file."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        data: dict[str, Any] = json.loads(text)
        return Owner(
            str(data["host"]), int(data["pid"]), str(data["scope"]), str(data["start"]), str(data.get("token", ""))
        )
    except (ValueError, KeyError, TypeError):
        return Owner("", 0, "", "", text)


def _is_stale(file: Path, owner: Owner) -> bool:
    if (owner.host, owner.scope) == (socket.gethostname(), _scope()):
        return _start_of(owner.pid) != owner.start
    return _age(file) > STALE_S


def _age(file: Path) -> float:
    """Return the seconds since a file's last change, 0 when it is gone.

    Measured by the file system's clock, which may be another machine's.
    """
    probe = file.with_name(f".{os.getpid()}.{threading.get_ident()}.now")
    now = time.time()
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        pass  # nothing may be written here: this machine's clock must do
    try:
        return now - file.stat().st_mtime
    except OSError:
        return 0.0


def _myself() -> Owner:
    pid = os.getpid()
    return Owner(socket.gethostname(), pid, _scope(), _start_of(pid), os.urandom(8).hex())


def _scope() -> str:
    """Return this boot and process namespace, in which a process id means one process; "" where they are unknown."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    return ""


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's ticks.

    "alive" where the kernel does not tell, "" when the process has ended.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "alive"
