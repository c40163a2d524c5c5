"""A second process looks at a workspace where another one trains, follows it, and asks it to stop."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest
from tiny_workspace import TinyWorkspace, hand_written

from engine.core.cancellation import Control, stop_request
from engine.core.errors import Interrupted, LunaError
from engine.core.events import Event, RunFinished, TrainStep
from engine.core.journal import read_journal
from engine.pipeline.request import TrainRequest
from engine.service.session import EngineSession
from engine.workspace.attach import JournalTail, lock_holder, planned_parent, request_stop, run_journal, unfinished
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run, RunStatus, Status, unfinished_run
from engine.workspace.verify import verify_workspace

PACKAGES = Path(__file__).parents[3]

HOLD = """
import sys
from pathlib import Path
from engine.workspace.layout import Workspace
with Workspace(Path(sys.argv[1])).lock(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
print("free", flush=True)
sys.stdin.readline()
"""
LOOK = """
import sys
from pathlib import Path
from engine.workspace.attach import lock_holder
from engine.workspace.layout import Workspace
workspace = Workspace(Path(sys.argv[1]))
print("looking", flush=True)
while not (workspace.root / "enough").exists():
    lock_holder(workspace)
"""
TRAIN = """
import os, sys, time
from pathlib import Path
from tiny_workspace import TinyWorkspace
from engine.core.events import TrainStep
tiny = TinyWorkspace(Path(sys.argv[1]))
def wait_for_request(event, session):
    until = time.monotonic() + 60
    while isinstance(event, TrainStep) and event.step == 10 and not tiny.workspace.stop_file.exists():
        assert time.monotonic() < until, "nobody asked to stop"
        time.sleep(0.01)
sys.exit(tiny.train(on_event=wait_for_request, generations=3).exit_code)
"""


@contextmanager
def process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process, and its first line waited for by whoever needs it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGES / "tests"), str(PACKAGES)])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def tell(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


class TestLock:
    def test_a_look_at_a_free_workspace_leaves_nothing_behind(self, workspace: Workspace) -> None:
        assert lock_holder(workspace) is None
        assert list(workspace.root.iterdir()) == []

    def test_it_is_held_until_it_is_given_back(self, workspace: Workspace) -> None:
        before = time.time()
        with process(HOLD, workspace.root, "training") as child:
            assert line_of(child) == "held"
            holder = lock_holder(workspace)
            assert holder is not None
            assert (holder.pid, holder.purpose) == (child.pid, "training")
            assert before <= holder.since <= time.time()
            with pytest.raises(LunaError, match=rf"in use \(training, pid {child.pid}\)"), workspace.lock("gc"):
                pass
            assert lock_holder(workspace) == holder, "a refused attempt changes nothing"
            tell(child)
            assert line_of(child) == "free"
            assert lock_holder(workspace) is None

    def test_a_killed_holder_holds_nothing(self, workspace: Workspace) -> None:
        with process(HOLD, workspace.root, "training") as child:
            assert line_of(child) == "held"
            child.send_signal(signal.SIGKILL)
            child.wait(60)
            assert str(child.pid) in workspace.lock_path.read_text(), "its name is still there"
            assert lock_holder(workspace) is None
            with workspace.lock("training"):
                holder = lock_holder(workspace)
                assert holder is not None
                assert holder.pid == os.getpid()

    def test_a_holder_without_a_name_is_one(self, workspace: Workspace) -> None:
        with workspace.lock("training"):
            workspace.lock_path.write_text("{torn")
            holder = lock_holder(workspace)
            assert holder is not None
            assert (holder.pid, holder.purpose) == (0, "")
            assert request_stop(workspace) is None

    def test_looking_never_gets_in_the_way_of_locking(self, workspace: Workspace) -> None:
        workspace.models.mkdir()
        with process(LOOK, workspace.root) as one, process(LOOK, workspace.root) as other:
            assert (line_of(one), line_of(other)) == ("looking", "looking")
            for _ in range(500):
                # A killed process's name is the one case in which a look takes the lock.
                workspace.lock_path.write_text('{"pid": 1, "purpose": "training", "since": 1.0}')
                with workspace.lock("training"):
                    pass
            assert one.poll() is None is other.poll(), "they looked all the time"
            for _ in range(5000):
                with workspace.lock_path.open("r+") as file:
                    # At once: a look at a workspace that was left in peace takes no lock.
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (workspace.root / "enough").touch()
            assert (one.wait(60), other.wait(60)) == (0, 0)


class TestStopRequest:
    def test_it_is_heard_by_the_process_it_names(self, tmp_path: Path) -> None:
        path = tmp_path / ".stop"
        path.write_bytes(stop_request(os.getpid()))
        control = Control(path)
        assert control.stopping
        path.unlink()
        assert control.stopping, "once asked, it stays asked"
        with pytest.raises(Interrupted):
            control.check()

    @pytest.mark.parametrize(
        "content",
        [b"1\n", stop_request(os.getpid())[1:], str(os.getpid()).encode(), b"", b"\xff"],
        ids=["another", "the end of another", "the beginning of another", "empty", "no text"],
    )
    def test_it_is_not_heard_by_others(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / ".stop").write_bytes(content)
        assert not Control(tmp_path / ".stop").stopping

    def test_it_is_heard_soon_after_it_comes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 100.0
        monkeypatch.setattr("engine.core.cancellation.time.monotonic", lambda: now)
        control = Control(tmp_path / ".stop")
        assert not control.stopping
        (tmp_path / ".stop").write_bytes(stop_request(os.getpid()))
        now += 0.21
        assert control.stopping

    def test_nobody_is_asked_where_nobody_trains(self, workspace: Workspace) -> None:
        assert request_stop(workspace) is None
        with workspace.lock("gc"):
            assert request_stop(workspace) is None
        assert not workspace.stop_file.exists()

    def test_it_belongs_to_one_holder(self, workspace: Workspace) -> None:
        with workspace.lock("training"):
            asked = request_stop(workspace)
            assert asked is not None
            assert asked.pid == os.getpid()
            assert Control(workspace.stop_file).stopping
        assert not workspace.stop_file.exists(), "it ends with its holder"
        workspace.stop_file.write_bytes(stop_request(os.getpid()))
        with workspace.lock("training"):
            assert not Control(workspace.stop_file).stopping, "it was meant for an earlier one"


def begin(workspace: Workspace, gen: int, *, status: Status = "running", updated: float | None = None) -> Run:
    """A run as the engine makes it, without events yet."""
    run = Run.new(workspace, gen)
    run.write_state(RunStatus(run.run_id, gen, status, ("prepare",), 0.0, time.time() if updated is None else updated))
    return run


class TestUnfinished:
    def test_it_is_the_run_that_a_resume_would_take(self, workspace: Workspace) -> None:
        assert unfinished(workspace) is None
        now = time.time()
        hand_written(workspace, "0,base_model,aaaaaaaa,dddddddd,300,2e-4,41.5,2.9,0.4,1.0,0.97,0.0")
        begin(workspace, 0, status="interrupted", updated=now + 9)  # recorded meanwhile
        begin(workspace, 1, status="interrupted", updated=now)
        wanted = begin(workspace, 1, status="failed", updated=now + 5)
        begin(workspace, 2, status="finished", updated=now + 8)
        unprepared = Run.new(workspace, 1)
        unprepared.write_state(RunStatus(unprepared.run_id, 1, "running", (), 0.0, now + 9))
        (workspace.runs / "20260101-000000-G1").mkdir()
        assert unfinished(workspace) == (wanted.run_id, 1, "failed")
        assert unfinished_run(workspace) == wanted

    def test_its_parent_is_the_one_of_its_plan(self, workspace: Workspace) -> None:
        run = begin(workspace, 5, status="interrupted")
        assert planned_parent(workspace, run.run_id) is None, "no plan yet"
        for text, parent in (('{"parent_gen": 3}', 3), ('{"parent_gen": null}', None), ("{", None), ("[]", None)):
            run.plan.write_text(text)
            assert planned_parent(workspace, run.run_id) == parent


@pytest.mark.slow
class TestRunJournal:
    def test_past_runs_can_be_opened(self, lineage: TinyWorkspace) -> None:
        for gen in range(4):
            path = run_journal(lineage.workspace, gen)
            assert path is not None
            finished = [event for event in read_journal(path) if isinstance(event, RunFinished)]
            assert [event.gen for event in finished] == [gen]

    def test_without_a_journal(self, evolved: TinyWorkspace) -> None:
        path = run_journal(evolved.workspace, 1)
        assert path is not None
        path.unlink()
        assert run_journal(evolved.workspace, 1) is None
        assert run_journal(evolved.workspace, 9) is None

    def test_a_manifest_cannot_name_a_file_elsewhere(self, evolved: TinyWorkspace) -> None:
        workspace = evolved.workspace
        (workspace.root / "events.jsonl").touch()
        path = workspace.generation(1) / "manifest.json"
        manifest = json.loads(path.read_text())
        for name in ("..", ".", "", f"../runs/{manifest['extra']['run_id']}", 7, None):
            manifest["extra"]["run_id"] = name
            path.write_text(json.dumps(manifest))
            assert run_journal(workspace, 1) is None, name


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.02)


@pytest.mark.slow
def test_another_process_is_watched_stopped_and_its_run_resumed(tiny: TinyWorkspace, lineage: TinyWorkspace) -> None:
    workspace = tiny.workspace
    seen: list[Event] = []
    with process(TRAIN, tiny.root) as trainer:
        wait_for(lambda: (found := lock_holder(workspace)) and found.pid == trainer.pid, "the trainer's lock")
        tail = JournalTail(workspace)

        def step_10_is_seen() -> bool:
            seen.extend(tail.poll())
            return any(isinstance(event, TrainStep) and event.step == 10 for event in seen)

        wait_for(step_10_is_seen, "its tenth step")
        asked = request_stop(workspace)
        assert asked is not None
        assert (asked.pid, asked.purpose) == (trainer.pid, "training")
        assert trainer.wait(120) == 130
        while more := tail.poll():
            seen.extend(more)
    ended = seen[-1]
    assert isinstance(ended, RunFinished)
    assert (ended.verdict, ended.hint) == ("interrupted", "go on with: luna-tui train --resume")
    assert [event.seq for event in seen] == list(range(len(seen))), "the viewer missed nothing"
    assert not workspace.stop_file.exists()
    assert lock_holder(workspace) is None
    assert verify_workspace(workspace).ok
    assert unfinished(workspace) == (seen[0].run, 0, "interrupted")

    assert tiny.train(resume=True).exit_code == 0
    assert tiny.shas() == lineage.shas()[:1]
    assert unfinished(workspace) is None


@pytest.mark.slow
def test_a_session_is_busy_until_all_it_was_asked_for_has_ended(tiny: TinyWorkspace) -> None:
    session = EngineSession(tiny.workspace, tiny.config(), SimpleQueue())
    assert not session.busy
    asked = [session.train(TrainRequest(generations=0)) for _ in range(3)]
    assert session.busy, "asked for, though the thread has not begun"
    session.start()
    session.close(timeout_s=60)
    assert not session.busy
    assert [future.result(0).exit_code for future in asked] == [2, 2, 2]
