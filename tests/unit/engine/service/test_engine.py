"""The one way in: what may begin is decided at once, the right job is cancelled, and nothing is torn on leaving."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.cli_script import FakeSession, play_accepted, play_until_stopped

from engine.core.errors import Interrupted, LunaError
from engine.core.events import Event, RunFinished
from engine.pipeline.request import TrainRequest
from engine.service.engine import Engine
from engine.service.jobs import Job, JobEvent, Refusal
from engine.service.requests import EvaluateRequest, ExportRequest, TaskRequest, VerifyRequest
from engine.workspace.layout import Workspace


class Slow(FakeEngine):
    """Evaluates until it is let go on or cancelled, and says what it was asked for."""

    def __init__(self, play: Callable[[FakeSession], list[RunFinished]] = play_until_stopped) -> None:
        super().__init__(play)
        self.evaluated: list[str] = []
        self.go_on = threading.Event()

    def evaluate(self, workspace: Workspace, config: object, ref: str, **more: Any) -> dict[str, Any]:
        self.evaluated.append(ref)
        while not self.go_on.wait(0.002):
            more["progress"](1, 2, "recall")
        return super().evaluate(workspace, config, ref, **more)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(make_workspace(tmp_path / "ws", generations=3))


def job_of(answer: Job | Refusal) -> Job:
    assert isinstance(answer, Job), answer
    return answer


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.002)


def test_of_two_trainings_asked_for_at_once_one_begins(workspace: Workspace) -> None:
    work = Slow()
    engine = Engine(workspace, work)
    first = job_of(engine.submit(TrainRequest()))
    second = engine.submit(TrainRequest(resume=True))
    assert isinstance(second, Refusal)
    assert "a run is going on" in second.reason
    assert len(work.sessions) == 1
    engine.close()
    assert first.result().exit_code == 130


def test_trainings_asked_for_by_many_threads_begin_once(workspace: Workspace) -> None:
    work = Slow()
    engine = Engine(workspace, work)
    gate = threading.Barrier(8)
    answers: list[Job | Refusal] = []

    def ask() -> None:
        gate.wait()
        answers.append(engine.submit(TrainRequest(phase="converse", inbox_first=True, by_itself=True)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, Job) for answer in answers) == 1
    assert len(work.sessions) == 1
    engine.close()


def test_the_next_training_may_begin_when_the_last_has_ended(workspace: Workspace) -> None:
    work = Slow(play_accepted)
    engine = Engine(workspace, work)
    for _ in range(3):
        job_of(engine.submit(TrainRequest())).result(60)
    assert len(work.sessions) == 3


def test_a_second_evaluation_is_refused_and_cancel_ends_the_one_that_runs(workspace: Workspace) -> None:
    work = Slow()
    engine = Engine(workspace, work)
    first = job_of(engine.submit(EvaluateRequest("G1")))
    refusal = engine.submit(EvaluateRequest("G2"))
    assert isinstance(refusal, Refusal)
    assert "examining G1 is still going on" in refusal.reason
    assert engine.beside is first
    assert engine.cancel(first.id)
    with pytest.raises(Interrupted):
        first.result(60)
    assert work.evaluated in ([], ["G1"])
    assert not engine.cancel(first.id), "it has ended"
    work.go_on.set()
    assert job_of(engine.submit(EvaluateRequest("G2"))).result(60)["label"] == "G2"


def test_one_evaluation_may_go_on_beside_a_training(workspace: Workspace) -> None:
    work = Slow()
    work.go_on.set()
    engine = Engine(workspace, work)
    training = job_of(engine.submit(TrainRequest()))
    assert job_of(engine.submit(EvaluateRequest("G1"))).result(60)["label"] == "G1"
    assert not training.done
    assert engine.cancel(training.id)
    assert training.result(60).exit_code == 130


def test_everybody_who_listens_hears_and_one_that_breaks_keeps_nobody_from_it(workspace: Workspace) -> None:
    engine = Engine(workspace, FakeEngine(play_accepted))
    heard: list[Event | JobEvent] = []

    def breaks(_event: Event | JobEvent) -> None:
        raise RuntimeError("a screen broke")

    engine.subscribe(breaks)
    engine.subscribe(heard.append)
    job_of(engine.submit(VerifyRequest())).result(60)
    wait(lambda: len(heard) >= 3)
    assert [event.what for event in heard if isinstance(event, JobEvent)] == ["began", "advanced", "ended"]
    job_of(engine.submit(TrainRequest())).result(60)
    assert any(isinstance(event, RunFinished) for event in heard)
    assert "a screen broke" in (workspace.runs / "engine.log").read_text()


def test_a_broken_luna_toml_refuses_training_with_where_and_why(workspace: Workspace) -> None:
    workspace.config_path.write_text("[train\n")
    work = FakeEngine()
    refusal = Engine(workspace, work).submit(TrainRequest())
    assert isinstance(refusal, Refusal)
    assert "luna.toml" in refusal.reason
    assert isinstance(refusal.cause, LunaError)
    assert not work.sessions


def test_what_fails_is_raised_to_who_waits_and_the_next_job_goes_on(workspace: Workspace) -> None:
    engine = Engine(workspace, FakeEngine())

    def fail(_progress: object, _control: object) -> None:
        raise LunaError("no such thing")

    with pytest.raises(LunaError, match="no such thing"):
        job_of(engine.submit(TaskRequest("trying", fail))).result(60)
    assert job_of(engine.submit(VerifyRequest())).result(60).ok


def test_closing_waits_until_what_writes_has_reached_a_safe_point(workspace: Workspace, tmp_path: Path) -> None:
    written: list[str] = []
    began = threading.Event()

    class Exports(FakeEngine):
        def export(self, *args: Any, **more: Any) -> Any:
            began.set()
            while not more["control"].stopping:  # a file in the middle of being written hears of nothing
                time.sleep(0.002)
            written.append("whole file")
            more["progress"](1, 2, "copying")
            written.append("the next file")

    engine = Engine(workspace, Exports())
    job = job_of(engine.submit(ExportRequest("G1", "ollama", tmp_path / "out")))
    assert began.wait(60)
    engine.close()
    assert job.done
    assert written == ["whole file"]
    assert isinstance(job.error(), Interrupted)


def test_a_closed_engine_begins_nothing(workspace: Workspace) -> None:
    engine = Engine(workspace, FakeEngine(play_accepted))
    engine.close()
    assert isinstance(engine.submit(TrainRequest()), Refusal)
    assert isinstance(engine.submit(VerifyRequest()), Refusal)
    with pytest.raises(LunaError):
        engine.open_chat("G1")


def test_closing_finishes_the_training_where_that_is_wanted(workspace: Workspace) -> None:
    engine = Engine(workspace, FakeEngine(play_accepted))
    job = job_of(engine.submit(TrainRequest()))
    engine.close(finish_training=True)
    assert job.result(0).exit_code == 0


def test_chat_models_are_closed_with_the_engine(workspace: Workspace) -> None:
    work = FakeEngine()
    engine = Engine(workspace, work)
    one, other = engine.open_chat("G1"), engine.open_chat("base")
    engine.close_chat(one)
    assert [talker.closed for talker in work.talkers] == [True, False]
    engine.close()
    assert [talker.closed for talker in work.talkers] == [True, True]
    assert other.label == "base"
