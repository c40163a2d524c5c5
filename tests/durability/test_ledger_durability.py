"""The ledger survives kill -9, a failing or full disk and two writers; shown with real processes and real faults."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.ledger.workspace_factory import WorkspaceFactory

from ledger.csv_text import HEADER
from ledger.head import HeadStore, scan_log
from ledger.recording import finish_recording
from ledger.store import LedgerStore
from ledger.verify import verify

WORKER = [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("ledger_worker.py"))]

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs the Debian package strace")


def read_gens(models: Path) -> list[int]:
    return [row.gen_id for row in LedgerStore(models).read()]


def run(*arguments: str | Path, strace: str = "") -> list[str]:
    """Run the worker to its end, optionally under an injected fault, and return its reports after "ready"."""
    call = strace.split(":", 1)[0]
    prefix = (
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={strace}"] if strace else []
    )
    done = subprocess.run(
        [*prefix, *WORKER, *map(str, arguments)], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    return done.stdout.splitlines()[1:]


def test_kill_9_again_and_again_costs_at_most_the_row_in_flight(tmp_path: Path) -> None:
    models = tmp_path / "models"
    gens: list[int] = []
    for round_number in range(36):
        first = gens[-1] + 1 if gens else 0
        with subprocess.Popen(
            [*WORKER, "append", str(models), str(first), "1", "100000"], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(2 + round_number % 5):  # "ready", then some rows
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
            told = child.stdout.read().splitlines()
        acknowledged = [int(line.split()[1]) for line in told if line.startswith("ok")]
        last = max([first + round_number % 5, *acknowledged])
        gens = read_gens(models)
        assert gens in (list(range(last + 1)), list(range(last + 2)))
    assert len(gens) >= 36
    text = LedgerStore(models).path.read_text()
    assert text.count(HEADER) == 1


@needs_strace
@pytest.mark.parametrize("when", [1, 2, 3, 4, 5])
def test_after_a_failed_fsync_nothing_more_is_written_and_it_is_said(tmp_path: Path, when: int) -> None:
    told = run("append", tmp_path, "0", "1", "4", strace=f"fsync:error=EIO:when={when}")
    failed = (when - 1) // 2  # two fsyncs a row: the file, its directory
    assert told[:failed] == [f"ok {gen}" for gen in range(failed)]
    assert len(told) == 4
    for line in told[failed:]:
        assert "read-only" in line
        assert "Input/output error" in line
    assert read_gens(tmp_path) == list(range(failed + 1))  # the row in flight may be there, no later one is


@needs_strace
@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_write_that_finds_no_space_costs_that_row_only(tmp_path: Path, when: int) -> None:
    told = run("append", tmp_path, "0", "1", "4", strace=f"write:error=ENOSPC:when={when}")
    assert told[when - 1] == f"error {when - 1} nothing was written: No space left on device"
    assert read_gens(tmp_path) == [gen for gen in range(4) if gen != when - 1]


RECORDING = [
    *(("fsync", when) for when in range(1, 11)),
    *(("write", when) for when in range(1, 6)),
    *(("rename", when) for when in range(1, 3)),
]


@needs_strace
@pytest.mark.parametrize(("call", "when"), RECORDING)
@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO"])
def test_a_fault_anywhere_in_recording_leaves_a_workspace_that_goes_on(
    recorded: Path, tmp_path: Path, call: str, when: int, fault: str
) -> None:
    models = Path(shutil.copytree(recorded, tmp_path / "models"))
    # The artefacts of a generation are seven files with one write, one rename and two fsyncs each; the faults come
    # after.
    skipped = 14 if call == "fsync" else 7
    told = run("record", models, strace=f"{call}:{fault}:when={skipped + when}")
    assert told[0] == "ok artefacts"
    assert "ok accept" not in told
    before = verify(models).problems
    # Between the log and HEAD there is one moment that only opening the workspace can tell from a changed HEAD.
    assert [problem.file for problem in before] in ([], ["models/HEAD"])
    assert HeadStore(models).current() in (0, 1)
    assert verify(models).problems == []
    gens = read_gens(models)
    assert gens in ([0], [0, 1])
    if "ok row" in told:
        assert gens == [0, 1]

    assert finish_recording(models) in (None, 1)
    assert HeadStore(models).current() == gens[-1]
    WorkspaceFactory(models).add()
    assert read_gens(models)[: len(gens)] == gens
    assert len(read_gens(models)) == len(gens) + 1
    assert verify(models).problems == []


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WorkspaceFactory(tmp_path_factory.mktemp("recorded") / "models").grow(1).models


def test_short_writes_are_seen_kept_as_evidence_and_repaired(tmp_path: Path) -> None:
    told = run("short", tmp_path)
    assert told
    for gen, line in enumerate(told, start=1):
        assert line.startswith(f"error {gen} ")
        assert ("nothing was written" if gen == 1 else "bytes could be written") in line
    store = LedgerStore(tmp_path)
    assert [row.gen_id for row in store.read()] == list(range(len(told) + 1))
    assert len(store.evidence) == len(told) - 1
    assert store.torn_tail is None


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a tmpfs needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow to mount a tmpfs")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_stops_the_ledger_and_room_lets_it_go_on(tiny_disk: Path) -> None:
    models = tiny_disk / "models"
    assert run("append", models, "0", "1", "1") == ["ok 0"]
    filler = tiny_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * 2_000_000)
    assert filler.stat().st_size > 500_000
    told = run("append", models, "1", "1", "40")
    stored = [int(line.split()[1]) for line in told if line.startswith("ok")]
    refused = [line for line in told if line.startswith("error")]
    assert refused
    assert any("No space left on device" in line or "bytes could be written" in line for line in refused)
    assert read_gens(models) == [0, *stored]
    filler.unlink()
    assert run("append", models, "100", "1", "2") == ["ok 100", "ok 101"]
    assert read_gens(models) == [0, *stored, 100, 101]


@pytest.mark.parametrize("what", ["ledger", "head"])
def test_two_writers_never_interleave(tmp_path: Path, what: str) -> None:
    models = tmp_path / "models"
    commands = (
        [["append", str(models), str(first), "2", "40"] for first in (0, 1)]
        if what == "ledger"
        else [["head", str(models), "40"] for _ in range(2)]
    )
    children = [
        subprocess.Popen(
            [*WORKER, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "WAIT_FOR_START": "1"},
        )
        for command in commands
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [child.communicate(timeout=60)[0] for child in children]
    assert all(text.count("ok") == 40 for text in told)
    if what == "ledger":
        assert sorted(read_gens(models)) == list(range(80))
        assert (models / "lineage_ledger.csv").read_text().count("\n") == 81
    else:
        log = scan_log((models / "head.log").read_bytes())
        assert log.faults == ()
        assert [entry.seq for entry in log.entries] == list(range(80))
        assert HeadStore(models).current() == 39
