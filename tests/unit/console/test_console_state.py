"""The reducer of the console: every event's place in the state, with no screen and no loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tui.fake_link import lineage, row

from engine.core.events import Emitter, Event, LogLine, RunFinished, RunStarted, StepChanged, TrainStep
from luna_tui.common.loss_curve import Curve
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import (
    ConsoleEvent,
    CurveLoaded,
    EvaluationLoaded,
    JobEnded,
    JobProgress,
    JobStarted,
    LineageLoaded,
    ModeChanged,
    Noted,
    StopRequested,
)


def fold(*events: Event | ConsoleEvent, state: ConsoleState | None = None) -> ConsoleState:
    current = state or ConsoleState()
    for event in events:
        current = reduce(current, event)
    return current


class Run:
    """Events of one run."""

    def __init__(self, gen: int = 4, parent: int | None = 3) -> None:
        self.events: list[Event] = []
        self.emit = Emitter(f"run-G{gen}", self.events.append)
        self.gen, self.parent = gen, parent

    def started(self) -> Event:
        return self.emit(
            RunStarted,
            gen=self.gen,
            parent_gen=self.parent,
            phase="converse",
            backend="trl",
            method="lora",
            base="smollm2-135m",
            steps=10,
            lr=1e-3,
            seed=0,
            threads=2,
            resumed=False,
        )

    def step(self, number: int, loss: float = 1.0) -> Event:
        return self.emit(
            TrainStep,
            step=number,
            total=10,
            loss=loss,
            lr=1e-3,
            grad_norm=0.5,
            tokens=100,
            tokens_per_s=50.0,
            stage="talk",
            epoch=0.1,
            eta_s=3.0,
        )

    def finished(self, verdict: str = "accepted", **more: Any) -> Event:
        code = {"accepted": 0, "interrupted": 130, "failed": 1}.get(verdict, 3)
        values: dict[str, Any] = {"reasons": [], "head": self.gen, "exit_code": code, **more}
        return self.emit(RunFinished, gen=self.gen, verdict=verdict, **values)


def loaded(rows: tuple[dict[str, Any], ...] | None = None, head: int | None = 3) -> LineageLoaded:
    return LineageLoaded(rows if rows is not None else lineage(), head)


def test_the_selection_follows_head_until_it_is_moved() -> None:
    state = fold(loaded())
    assert state.ui.selected == 3
    grown = (*lineage(), row(4, 3, head=True))
    assert fold(loaded(grown, 4), state=state).ui.selected == 4
    moved = replace(state, ui=replace(state.ui, selected=1, followed=False))
    assert fold(loaded(grown, 4), state=moved).ui.selected == 1


def test_a_selection_that_is_gone_falls_back_to_head() -> None:
    state = fold(loaded())
    state = replace(state, ui=replace(state.ui, selected=3, followed=False))
    assert fold(loaded(lineage()[:2], 1), state=state).ui.selected == 1


def test_an_empty_lineage_is_not_the_same_as_one_that_was_not_read() -> None:
    assert ConsoleState().rows is None
    assert fold(loaded((), None)).rows == ()


def test_steps_make_the_curve_and_another_run_begins_a_new_one() -> None:
    run, other = Run(4), Run(5)
    state = fold(run.started(), run.step(1, 2.0), run.step(2, 1.0))
    assert state.curve.last is not None
    assert state.curve.total == 2
    state = fold(other.started(), state=state)
    assert state.curve.total == 0
    assert state.run.gen == 5


def test_training_is_what_runs_and_has_not_ended() -> None:
    run = Run()
    state = fold(ModeChanged("owner"), run.started())
    assert state.training
    assert not fold(run.finished(), state=state).training
    assert not fold(run.started()).training, "a journal that is read afterwards is not training"


def test_a_stop_is_shown_until_the_run_has_ended() -> None:
    run = Run()
    state = fold(ModeChanged("owner"), run.started(), StopRequested())
    assert state.stopping
    assert not fold(run.finished("interrupted"), state=state).stopping
    assert not fold(ModeChanged("idle"), state=state).stopping


@pytest.mark.parametrize(
    ("verdict", "level"),
    [
        ("accepted", "info"),
        ("interrupted", "warning"),
        ("rejected", "error"),
        ("stopped", "error"),
        ("failed", "error"),
    ],
)
def test_the_end_of_a_run_is_said_with_its_reason(verdict: str, level: str) -> None:
    run = Run()
    state = fold(run.started(), run.finished(verdict, reasons=["because of this"], hint="do that"))
    assert state.notice == Noted(level, f"G4 {verdict}: because of this", "do that")
    assert state.log[-1].level == level


def test_a_failure_outside_any_generation_shows_its_error() -> None:
    run = Run()
    event = run.emit(
        RunFinished, gen=None, verdict="failed", reasons=[], exit_code=2, head=None, error="no such base", hint="see"
    )
    state = fold(event)
    assert state.notice == Noted("error", "failed: no such base", "see")


@pytest.mark.parametrize("level", ["warning", "error"])
def test_warnings_of_the_engine_are_said_and_logged(level: str) -> None:
    state = fold(Run().emit(LogLine, level=level, text="three bad rows"))
    assert state.notice == Noted(level, "three bad rows")
    assert state.log[-1].text == "three bad rows"


def test_what_is_only_information_is_logged_and_does_not_push_a_notice_away() -> None:
    state = fold(Noted("warning", "look here"), Run().emit(LogLine, level="info", text="parity 812/812"))
    assert state.notice == Noted("warning", "look here")
    assert state.log[-1].text == "parity 812/812"


def test_the_log_is_bounded() -> None:
    state = fold(*(Noted("info", f"line {n}") for n in range(700)))
    assert len(state.log) == 500
    assert state.log[-1].text == "line 699"


def test_a_job_from_its_beginning_to_its_end() -> None:
    state = fold(JobStarted("verify", "verifying"))
    assert state.job is not None
    state = fold(JobProgress("verify", "verifying: G2", 3, 10, 4.0), state=state)
    assert state.job is not None
    assert (state.job.done, state.job.total, state.job.eta_s) == (3, 10, 4.0)
    state = fold(JobEnded("verify", False, "2 things are not as recorded", ("a", "b")), state=state)
    assert state.job is None
    assert state.notice == Noted("error", "2 things are not as recorded")
    assert state.ended is not None
    assert state.ended.lines == ("a", "b")


def test_curves_and_evaluations_are_kept_by_name_and_bounded() -> None:
    state = fold(*(CurveLoaded(n, Curve()) for n in range(100)))
    assert len(state.curves) == 32
    assert 99 in state.curves
    assert 0 not in state.curves
    state = fold(EvaluationLoaded("G3", {"items": []}), EvaluationLoaded("G1", None, "no exam"), state=state)
    assert state.evaluations["G3"] == {"items": []}
    assert state.evaluations["G1"] == "no exam"


def test_states_are_values_the_old_one_stays() -> None:
    run = Run()
    before = fold(run.started())
    after = fold(run.step(1), state=before)
    assert before.curve.total == 0
    assert after.curve.total == 1


def test_live_and_replayed_runs_give_the_same_state() -> None:
    run = Run()
    run.started()
    run.emit(StepChanged, step="train", index=2, total=6, label="train")
    for number in range(1, 11):
        run.step(number, 3.0 / number)
    run.finished()
    from engine.core.events import from_json_object, to_json_object

    replayed = [from_json_object(to_json_object(event)) for event in run.events]
    assert all(event is not None for event in replayed)
    live, again = fold(*run.events), fold(*[event for event in replayed if event is not None])
    assert (live.run, live.log, live.notice) == (again.run, again.log, again.notice)
    assert live.curve.buckets() == again.curve.buckets()


def test_zoom_is_forgotten_when_a_new_run_starts() -> None:
    state = fold(loaded())
    state = replace(state, ui=replace(state.ui, window=(10, 20)))
    assert fold(Run().started(), state=state).ui.window is None


def test_a_resumed_run_is_running_again() -> None:
    run = Run()
    stopped = fold(run.started(), run.step(1), run.step(2), run.finished("interrupted"))
    assert stopped.run.finished is not None
    again = fold(run.started(), state=stopped)
    assert again.run.finished is None, "the screen would say that it is getting ready until it ended"
    assert again.notice is None, "how to resume it is no longer of use"
    assert again.curve.total == 2
    further = fold(run.step(3), state=again)
    assert (further.run.losses, further.curve.total) == (3, 3)
