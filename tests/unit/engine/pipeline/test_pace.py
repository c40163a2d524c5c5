"""The phases of prepare: each tells how far it is once it lasts, and a stop takes effect in the middle of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.cancellation import Control
from engine.core.errors import Interrupted
from engine.core.events import Emitter, Event, Progress
from engine.data.curriculum import read_curriculum
from engine.data.rows import make_row
from engine.evaluation.coverage_check import untaught
from engine.evaluation.items import make_items
from engine.pipeline.steps.pace import Step, StepTimer

ROWS = [make_row(f"question {n} about lamps", f"the answer number {n} is a lamp", stage="talk") for n in range(300)]


def pace(control: Control, silent_s: float) -> tuple[StepTimer, list[Progress]]:
    told: list[Progress] = []

    def sink(event: Event) -> None:
        assert isinstance(event, Progress)
        told.append(event)

    return StepTimer(Emitter("r", sink), control, silent_s), told


def test_a_phase_tells_its_count_and_the_time_left() -> None:
    watched, told = pace(Control(), 0)
    step = watched.phase("reading the data")
    for done in range(1, 101):
        step(done, 100)
    assert (told[0].label, told[0].total) == ("reading the data", 100)
    assert told[0].eta_s is not None
    assert told[-1].done == 100


def test_a_phase_that_is_over_at_once_tells_nothing() -> None:
    watched, told = pace(Control(), 3600)
    step = watched.phase("reading the data")
    step(1, 2)
    step(2, 2)
    assert told == []


def read(root: Path, step: Step) -> None:
    read_curriculum(root, ["talk"], on_done=step)


def choose(root: Path, step: Step) -> None:
    make_items(ROWS[:50], ROWS, 0, "talk", step)


def look_for_answers(root: Path, step: Step) -> None:
    def watched() -> object:
        for number, row in enumerate(ROWS, start=1):
            step(number, len(ROWS))
            yield row

    untaught([], watched())  # type: ignore[arg-type]


@pytest.mark.parametrize("work", [read, choose, look_for_answers])
def test_a_stop_takes_effect_in_the_middle_of_a_phase(tmp_path: Path, work: Callable[[Path, Step], None]) -> None:
    (tmp_path / "talk").mkdir()
    lines = [json.dumps({"prompt": row.prompt, "response": row.response}) for row in ROWS]
    (tmp_path / "talk" / "a.jsonl").write_text("\n".join(lines))
    control = Control()
    watched, _ = pace(control, 0)
    step = watched.phase("work")
    seen: list[tuple[int, int]] = []

    def stop_on_the_way(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 20:
            control.stop()
        step(done, total)

    with pytest.raises(Interrupted):
        work(tmp_path, stop_on_the_way)
    assert len(seen) == 20
    assert seen == sorted(seen)
    assert seen[-1][0] < seen[-1][1]


def test_no_phase_begins_once_a_stop_was_asked_for() -> None:
    control = Control()
    control.stop()
    with pytest.raises(Interrupted):
        pace(control, 0)[0].phase("reading the data")
