"""Locks on file systems where flock grants everything, or is not there: an owner file keeps two writers apart."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ledger.owner_file as owner_module
from ledger.durable import open_for_append
from ledger.locking import exclusive, flock_fault, is_held
from ledger.owner_file import live_owner, owner_file

FAULTS = ("granted to all", "ENOLCK", "ENOSYS", "EOPNOTSUPP")


@pytest.fixture(params=FAULTS)
def no_flock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file system whose flock keeps nobody out."""

    def flock(*_: Any) -> None:
        if request.param != "granted to all":
            code = int(getattr(errno, request.param))
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    return str(request.param)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / ".lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    yield path, descriptor
    os.close(descriptor)


def test_flock_is_enough_where_it_holds(file: tuple[Path, int]) -> None:
    with exclusive(*file) as fault:
        assert fault == ""
        assert not owner_file(file[0]).exists()
        second = os.open(file[0], os.O_RDWR)
        assert is_held(file[0], second)
        with pytest.raises(BlockingIOError), exclusive(file[0], second, wait_s=0.05):
            pass
        os.close(second)
    assert flock_fault(file[0].parent) == ""
    assert list(file[0].parent.iterdir()) == [file[0]]


def test_an_owner_file_keeps_the_second_out(file: tuple[Path, int], no_flock: str) -> None:
    second = os.open(file[0], os.O_RDWR)
    assert not is_held(file[0], second)
    with exclusive(*file) as fault:
        assert ("to everybody" if no_flock == "granted to all" else "no file locks") in fault
        assert is_held(file[0], second)
        with pytest.raises(BlockingIOError), exclusive(file[0], second, wait_s=0.1):
            pass
    assert not owner_file(file[0]).exists(), "it is given back"
    with exclusive(file[0], second, wait_s=0.0):
        pass
    os.close(second)
    assert flock_fault(file[0].parent) == fault


def test_appends_from_many_threads_stay_whole(tmp_path: Path, no_flock: str) -> None:
    path = tmp_path / "log"
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(10):
            with open_for_append(path) as log:
                inside.append(1)
                most.append(len(inside))
                log.append(b"line\n")
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert path.read_bytes() == b"line\n" * 40
    assert max(most) == 1, "one at a time"


def test_the_owner_of_a_dead_process_is_no_owner(file: tuple[Path, int], no_flock: str) -> None:
    code = (
        "import sys; from pathlib import Path; from ledger import owner_file as o;"
        "o._create(o.owner_file(Path(sys.argv[1])), o._myself())"
    )
    subprocess.run([sys.executable, "-c", code, str(file[0])], check=True, timeout=60)
    assert owner_file(file[0]).exists(), "it died without giving it back"
    assert live_owner(file[0]) is None
    with exclusive(*file, wait_s=1.0):
        owner = live_owner(file[0])
        assert owner is not None
        assert (owner.pid, owner.host) == (os.getpid(), socket.gethostname())


@pytest.mark.parametrize("written", ['{"host": "elsewhere", "pid": 1, "scope": "s", "start": "1", "token": "t"}', ""])
def test_an_owner_on_another_machine_lives_while_its_heart_beats(
    file: tuple[Path, int], no_flock: str, written: str
) -> None:
    owner_file(file[0]).write_text(written)
    with pytest.raises(BlockingIOError), exclusive(*file, wait_s=0.05):
        pass
    long_ago = owner_file(file[0]).stat().st_mtime - 2 * owner_module.STALE_S
    os.utime(owner_file(file[0]), (long_ago, long_ago))
    assert live_owner(file[0]) is None
    with exclusive(*file, wait_s=1.0):
        assert live_owner(file[0]) is not None
    assert list(file[0].parent.iterdir()) == [file[0]]


def test_the_heart_of_an_owner_beats(file: tuple[Path, int], no_flock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner_module, "_BEAT_S", 0.01)
    beaten = threading.Event()
    utime = os.utime
    monkeypatch.setattr(os, "utime", lambda path: (utime(path), beaten.set()))
    with exclusive(*file):
        assert beaten.wait(30)


def test_an_owner_elsewhere_counts_where_flock_works(file: tuple[Path, int]) -> None:
    owner_file(file[0]).write_text('{"host": "elsewhere", "pid": 1, "scope": "s", "start": "1", "token": "t"}')
    assert is_held(*file)
    with pytest.raises(BlockingIOError), exclusive(*file, wait_s=0.05):
        pass
