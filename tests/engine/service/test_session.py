"""The engine thread: requests in order, a stop that belongs to its request, an outcome whatever happens."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.errors import Interrupted, LunaError
from engine.core.events import Event, LogLine, RunFinished, StepChanged, TrainStep
from engine.pipeline.request import TrainRequest
from engine.runtime.client import Runtime
from engine.service.session import EngineSession

pytestmark = pytest.mark.slow


def session_of(tiny: TinyWorkspace) -> tuple[EngineSession, SimpleQueue[Event]]:
    events: SimpleQueue[Event] = SimpleQueue()
    return EngineSession(tiny.workspace, tiny.config(), events), events


def drain(events: SimpleQueue[Event]) -> list[Event]:
    return [events.get() for _ in range(events.qsize())]


def test_two_requests_run_one_after_the_other(tiny: TinyWorkspace) -> None:
    session, events = session_of(tiny)
    first, second = session.train(TrainRequest()), session.train(TrainRequest())
    session.start()
    session.close(timeout_s=120)
    assert [outcome.finished[0].gen for outcome in (first.result(0), second.result(0))] == [0, 1]
    finished = [event for event in drain(events) if isinstance(event, RunFinished)]
    assert [event.gen for event in finished] == [0, 1]


def test_a_stop_before_the_thread_begins_is_not_lost(tiny: TinyWorkspace) -> None:
    session, _ = session_of(tiny)
    future = session.train(TrainRequest(generations=3))
    session.stop()
    session.stop()
    session.start()
    outcome = future.result(120)
    assert outcome.exit_code == 130
    assert outcome.finished[0].verdict == "interrupted"
    assert tiny.runs() == []
    again = session.train(TrainRequest()).result(120)
    assert again.exit_code == 0, "the stop belonged to the request before"
    session.close()


def test_a_stop_with_nothing_to_stop_does_not_hurt_the_next_request(tiny: TinyWorkspace) -> None:
    session, _ = session_of(tiny)
    session.start()
    session.stop()
    assert session.train(TrainRequest()).result(120).exit_code == 0
    session.stop()
    assert session.train(TrainRequest()).result(120).exit_code == 0
    session.close()


def test_a_stop_ends_what_was_asked_for_so_far(tiny: TinyWorkspace) -> None:
    outcome = tiny.stop_at(lambda event: isinstance(event, TrainStep), generations=3)
    assert outcome.exit_code == 130
    assert len(outcome.finished) == 1


def test_a_stop_between_generations(tiny: TinyWorkspace) -> None:
    outcome = tiny.stop_at(lambda event: isinstance(event, StepChanged) and event.step == "record", generations=2)
    assert [event.verdict for event in outcome.finished] == ["accepted", "interrupted"], "recording is not cut short"
    assert outcome.exit_code == 130
    assert len(tiny.workspace.ledger.read()) == 1
    assert len(tiny.runs()) == 1


def test_no_generations_is_bad_input(tiny: TinyWorkspace) -> None:
    assert tiny.train(generations=0).exit_code == 2


def test_two_processes(tiny: TinyWorkspace) -> None:
    with tiny.workspace.lock("gc"):
        assert tiny.train().exit_code == 1
    assert "in use (gc, pid " in tiny.last.error
    assert "wait for it" in tiny.last.hint
    assert tiny.runs() == []
    assert tiny.train().exit_code == 0, "the lock goes with its holder"


def test_the_lock_is_given_back_after_an_error(tiny: TinyWorkspace) -> None:
    with pytest.raises(ValueError, match="on purpose"), tiny.workspace.lock("a test"):
        raise ValueError("on purpose")
    with tiny.workspace.lock("another"):
        pass
    with tiny.workspace.lock("training"), pytest.raises(LunaError, match="in use"), tiny.workspace.lock("rollback"):
        pass


def test_a_backend_that_breaks_does_not_take_the_thread_along(tiny: TinyWorkspace) -> None:
    def no_backend(_name: str) -> object:
        raise SystemExit("a library thought it was a program")

    session = EngineSession(tiny.workspace, tiny.config(), SimpleQueue(), pick_backend=no_backend)  # type: ignore[arg-type]
    session.start()
    outcome = session.train(TrainRequest()).result(60)
    assert outcome.exit_code == 130
    assert [event.verdict for event in outcome.finished] == ["interrupted"]
    assert session.train(TrainRequest()).result(60).exit_code == 130, "it answers again"
    assert tiny.runs() == []
    session.close()


def test_a_closed_session_takes_nothing(tiny: TinyWorkspace) -> None:
    session, _ = session_of(tiny)
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.train(TrainRequest())


def test_everything_happens_in_one_thread_of_its_own(tiny: TinyWorkspace) -> None:
    threads: set[str] = set()
    tiny.train(on_event=lambda _event, _session: threads.add(threading.current_thread().name))
    assert threads == {"luna-engine"}


def test_the_phase_that_was_skipped_is_no_secret(tiny: TinyWorkspace) -> None:
    tiny.train()
    texts = [event.text for event in tiny.of(LogLine)]
    assert "base: all 36 unseen rows of facts" in texts


def test_an_exception_out_of_a_callback_leaves_the_runtime_usable(lineage: TinyWorkspace) -> None:
    calls = 0

    def stop(_index: int, _result: object) -> None:
        nonlocal calls
        calls += 1
        raise Interrupted("stopped on request")

    with Runtime() as runtime:
        runtime.load(lineage.workspace.gguf(1), n_ctx=256, n_parallel=4, threads=1)
        prompts = ["Who are you, 3?"] * 5
        whole = runtime.generate(prompts, max_tokens=8)
        with pytest.raises(Interrupted):
            runtime.generate(prompts, max_tokens=8, on_done=stop)
        with pytest.raises(Interrupted):
            runtime.loglikelihood([("Who are you, 3?", "You ask.")] * 3, on_done=stop)
        assert calls == 2
        assert [g.text for g in runtime.generate(prompts, max_tokens=8)] == [g.text for g in whole]
