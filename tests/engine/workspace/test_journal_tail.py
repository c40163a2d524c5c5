"""What another process tells, read from the journals it writes: all of it, in order, a piece at a time."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.events import Emitter, Event, LogLine, TrainStep
from engine.core.journal import Journal
from engine.workspace.attach import JournalTail
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run, RunStatus, Status


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def begin(workspace: Workspace, gen: int, *, status: Status = "running", updated: float | None = None) -> Run:
    """A run as the engine makes it, without events yet."""
    run = Run.new(workspace, gen)
    run.write_state(RunStatus(run.run_id, gen, status, ("prepare",), 0.0, time.time() if updated is None else updated))
    return run


def end(run: Run, status: Status) -> None:
    run.advance(run.state(), status=status)


def write(run: Run, *texts: str) -> None:
    """Append lines of log to a run's journal as the engine does."""
    journal = Journal(run.journal)
    for text in texts:
        Emitter(run.run_id, journal).log(text)
    journal.close()


class Watched:
    """A tail whose looks at the workspace are not waited for."""

    def __init__(self, workspace: Workspace) -> None:
        self.clock = Clock()
        self.tail = JournalTail(workspace, clock=self.clock)

    def poll(self) -> list[str]:
        self.clock.now += 1.0
        return [event.text for event in self.tail.poll() if isinstance(event, LogLine)]

    def poll_until_nothing(self) -> list[str]:
        found: list[str] = []
        while more := self.poll():
            found += more
        return found


def write_steps(run: Run, count: int) -> None:
    """A journal of training steps."""
    with run.journal.open("w") as file:
        for step in range(1, count + 1):
            numbers = {"step": step, "total": count, "loss": 1.0, "lr": 0.1, "grad_norm": 1.0, "tokens": 64}
            rest = {"tokens_per_s": 400.0, "stage": "facts", "epoch": 0.5, "eta_s": 1.0}
            head = {"type": "train_step", "run": run.run_id, "seq": step, "mono": 1.0, "wall": 1.0}
            file.write(json.dumps(head | numbers | rest) + "\n")


def iter_until_empty(tail: JournalTail) -> Iterator[Event]:
    while more := tail.poll():
        yield from more


def test_what_is_new_comes_once_and_in_order(workspace: Workspace) -> None:
    run = begin(workspace, 0)
    watched = Watched(workspace)
    assert watched.poll() == []
    write(run, "a", "b")
    assert watched.poll() == ["a", "b"]
    assert watched.poll() == []
    write(run, "c")
    assert watched.poll() == ["c"]


def test_no_runs_yet(workspace: Workspace) -> None:
    watched = Watched(workspace)
    assert watched.poll() == []
    write(begin(workspace, 0), "a")
    assert watched.poll() == ["a"]


def test_a_line_is_read_when_it_is_whole(workspace: Workspace) -> None:
    run = begin(workspace, 0)
    write(run, "a", "b with “quotes” and a\u2028separator")
    whole = run.journal.read_bytes()
    run.journal.write_bytes(b"")
    watched = Watched(workspace)
    found: list[str] = []
    for number in range(len(whole)):
        with run.journal.open("ab") as file:
            file.write(whole[number : number + 1])
        found += watched.poll()
    assert found == ["a", "b with “quotes” and a\u2028separator"]


@pytest.mark.parametrize(
    "torn",
    [b'{"type": "log_l', b'{"type": "log_line"}', b"[1]", b"\xff", b"[" * 100_000],
    ids=["cut", "fields missing", "no object", "no text", "very deep"],
)
def test_a_torn_line_costs_itself_only(workspace: Workspace, torn: bytes) -> None:
    run = begin(workspace, 0)
    write(run, "a")
    watched = Watched(workspace)
    with run.journal.open("ab") as file:
        file.write(torn)
    assert watched.poll() == ["a"]
    write(run, "b")
    assert watched.poll_until_nothing() == ["b"]


def test_a_long_journal_comes_in_pieces(workspace: Workspace) -> None:
    run = begin(workspace, 0)
    write_steps(run, 20_000)
    clock = Clock()
    busy = JournalTail(workspace, clock=clock)
    pieces = [len(busy.poll())]
    while more := len(busy.poll()):
        pieces.append(more)
    assert sum(pieces) == 20_000
    assert max(pieces) < 10_000, "a clock that stands still: the bytes are the limit"

    class Hurried(Clock):
        """Every look at it costs a tenth of a second."""

        def __call__(self) -> float:
            self.now += 0.1
            return self.now

    slow = JournalTail(workspace, clock=Hurried())
    first = slow.poll()
    assert 0 < len(first) < 1000, "it gives up after the first chunk"
    steps = [event.step for event in [*first, *iter_until_empty(slow)] if isinstance(event, TrainStep)]
    assert steps == list(range(1, 20_001))


def test_an_endless_line_is_not_kept(workspace: Workspace) -> None:
    run = begin(workspace, 0)
    with run.journal.open("wb") as file:
        file.truncate(31 * 1024**2)
    watched = Watched(workspace)
    tracemalloc.start()
    for _ in range(18):
        assert watched.poll() == []
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 12 * 1024**2
    with run.journal.open("ab") as file:
        file.write(b"\n")
    write(run, "a")
    assert watched.poll() == ["a"]


def test_it_begins_with_the_newest_run_that_is_running(workspace: Workspace) -> None:
    now = time.time()
    older = begin(workspace, 0, updated=now - 60)
    running = begin(workspace, 1, updated=now - 30)
    finished = begin(workspace, 2, status="finished", updated=now)
    for run in (older, running, finished):
        write(run, run.run_id)
    (workspace.runs / "train.log").touch()
    assert Watched(workspace).poll_until_nothing() == [running.run_id]


def test_a_killed_processs_run_is_not_what_is_running(workspace: Workspace) -> None:
    killed = begin(workspace, 0, updated=time.time() - 1)
    write(killed, "old")
    with workspace.lock("training"):
        watched = Watched(workspace)
        assert watched.poll() == []
        end(killed, "running")  # train --resume
        write(killed, "new")
        assert watched.poll() == ["old", "new"]


def test_it_moves_on_with_the_lineage_and_loses_nothing(workspace: Workspace) -> None:
    with workspace.lock("training"):
        first = begin(workspace, 0)
        write(first, "0a")
        watched = Watched(workspace)
        assert watched.poll() == ["0a"]
        # All of this happens between two polls.
        write(first, "0 ends")
        end(first, "finished")
        quick = begin(workspace, 1)
        write(quick, "1a", "1 ends")
        end(quick, "finished")
        last = begin(workspace, 2)
        write(last, "2a")
        assert watched.poll_until_nothing() == ["0 ends", "1a", "1 ends", "2a"]
        write(last, "2b")
        assert watched.poll() == ["2b"]


def test_the_end_written_while_it_looks_is_not_lost(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = begin(workspace, 0)
    write(first, "0a")
    watched = Watched(workspace)
    assert watched.poll() == ["0a"]

    def meanwhile(workspace: Workspace) -> None:
        monkeypatch.undo()
        write(first, "0 ends")
        end(first, "finished")
        write(begin(workspace, 1), "1a")

    monkeypatch.setattr("engine.workspace.attach.lock_holder", meanwhile)
    assert watched.poll_until_nothing() == ["0 ends", "1a"]


def test_a_run_that_is_resumed_goes_on_where_it_was(workspace: Workspace) -> None:
    first = begin(workspace, 0)
    write(first, "0a")
    watched = Watched(workspace)
    assert watched.poll() == ["0a"]
    end(first, "interrupted")
    second = begin(workspace, 1)
    write(second, "1a")
    assert watched.poll() == ["1a"]
    end(second, "finished")
    end(first, "running")
    write(first, "0b")
    assert watched.poll_until_nothing() == ["0b"]


def test_a_run_that_is_given_up_is_left(workspace: Workspace) -> None:
    first = begin(workspace, 0)
    write(first, "0a")
    watched = Watched(workspace)
    assert watched.poll() == ["0a"]
    first.discard()
    assert watched.poll() == []
    write(begin(workspace, 0), "0 again")
    assert watched.poll_until_nothing() == ["0 again"]


def test_among_many_finished_runs(workspace: Workspace) -> None:
    now = time.time()
    for gen in range(100):
        run = begin(workspace, gen, status="finished", updated=now - 200 + gen)
        os.utime(run.directory / "state.json", (now - 200 + gen, now - 200 + gen))
    unborn = Run.new(workspace, 100)
    watched = Watched(workspace)
    assert watched.poll() == []
    unborn.write_state(RunStatus(unborn.run_id, 100, "running", (), 0.0, now))
    write(unborn, "100a")
    assert watched.poll() == ["100a"]
