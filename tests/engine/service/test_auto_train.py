"""From what a person says in the chat to the next generation, on a model that is really trained."""

from __future__ import annotations

import dataclasses
from datetime import datetime, time
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace, talk, write_rows

from engine.config.schema import AgeUpSection
from engine.data.inbox import InboxRow, append_row
from engine.service.auto_train import MICRO_GENERATION, Decision, decide, quiet_until, stamp
from engine.service.inbox_import import Importer, ImportOptions
from engine.service.inbox_list import inbox_entries
from engine.service.karma import karma_needed, read_meter

NOON = datetime(2026, 11, 23, 12, 0)


def correct(tiny: TinyWorkspace, *numbers: int, response: str = "You ask.") -> None:
    for number in numbers:
        append_row(tiny.workspace, InboxRow(f"Tell me a joke, {number}?", response, 2, "corrected", 3))


def decided(tiny: TinyWorkspace, now: datetime = NOON, **overrides: object) -> Decision:
    return decide(tiny.workspace, tiny.config({f"age_up.{key}": value for key, value in overrides.items()}), now)


def ask(tiny: TinyWorkspace, decision: Decision) -> None:
    assert decision.request is not None, decision.why
    tiny.train(**{f.name: getattr(decision.request, f.name) for f in dataclasses.fields(decision.request)})


@pytest.mark.parametrize(
    ("growth", "rate", "prices"),
    [("constant", 0.5, [60, 60, 60]), ("linear", 0.5, [60, 90, 120]), ("geometric", 0.5, [60, 90, 135])],
)
def test_the_price_rises_with_age(growth: str, rate: float, prices: list[float]) -> None:
    rule = AgeUpSection.model_validate({"karma": 60.0, "growth": growth, "rate": rate})
    assert [karma_needed(rule, age) for age in range(3)] == prices


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        ("", "03:00", None),
        ("22:00-07:00", "21:59", None),
        ("22:00-07:00", "22:00", "07:00"),
        ("22:00-07:00", "06:59", "07:00"),
        ("22:00-07:00", "07:00", None),
        ("09:00-17:30", "12:00", "17:30"),
        ("09:00-17:30", "17:30", None),
        ("09:00-17:30", "08:59", None),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: str, now: str, until: str | None) -> None:
    assert quiet_until(hours, time.fromisoformat(now)) == until


def test_the_inbox_earns_a_generation_which_learns_it_first_and_spends_it(evolved: TinyWorkspace) -> None:
    first = decided(evolved)
    assert (first.action, first.meter.karma, first.meter.age) == ("wait", 0, 2)
    assert first.meter.needed == pytest.approx(60 * 1.2)
    assert first.why == "karma 0 of 72"

    correct(evolved, *range(200, 206))
    assert decided(evolved, karma=12.0).why == "karma 12 of 14.4", "the price has risen twice"
    ready = decided(evolved, karma=10.0)
    assert (ready.action, ready.meter.karma, ready.meter.rows, ready.meter.full) == ("train", 12, 6, True)

    ask(evolved, ready)
    assert (evolved.last.verdict, evolved.last.gen) == ("accepted", 4)
    new = [row["prompt"] for row in evolved.lines(4, "data/new.jsonl")]
    assert {f"Tell me a joke, {n}?" for n in range(200, 206)} <= set(new)
    assert len(new) == 20, "filled up with the oldest rows of the curriculum, as every converse generation is"
    after = decided(evolved, karma=10.0)
    assert (after.action, after.meter.karma, after.meter.age) == ("wait", 0, 3)


def test_corrections_come_before_ratings_before_imports(evolved: TinyWorkspace, tmp_path: Path) -> None:
    imported = write_rows(tmp_path / "old.jsonl", talk(20, start=300))
    Importer(evolved.workspace, evolved.config(), ImportOptions()).bring_in([imported], NOON.date())[0]
    append_row(evolved.workspace, InboxRow("Who are you, 401?", "A small model.", 1, "rated", 3))
    correct(evolved, *range(200, 205))
    meter = read_meter(evolved.workspace, evolved.config(), evolved.workspace.lineage())
    assert (meter.karma, meter.rows) == (20 * 0.5 + 1 + 10, 26)
    ask(evolved, decided(evolved, karma=5.0))
    prompts = [row["prompt"] for row in evolved.lines(4, "data/new.jsonl")]
    assert prompts[:6] == [f"Tell me a joke, {n}?" for n in range(200, 205)] + ["Who are you, 401?"]
    assert len(prompts) == 20
    assert decided(evolved).meter.rows == 6, "the imports that found no room wait on"


def test_rejected_rows_count_no_more_until_something_new_is_said(evolved: TinyWorkspace) -> None:
    correct(evolved, *range(200, 206))
    wish = decided(evolved, karma=10.0).request
    assert wish == MICRO_GENERATION
    evolved.train(overrides={"eval.generalization_target": 1.0}, phase="converse", inbox_first=True)
    assert (evolved.last.verdict, evolved.last.head) == ("rejected", 3)
    tried = decided(evolved, karma=10.0)
    assert (tried.action, tried.meter.karma, tried.meter.spent) == ("wait", 0, 6)
    assert "6 rows were tried before" in tried.why
    states = {
        entry.state for entry in inbox_entries(evolved.workspace, evolved.config(), evolved.workspace.lineage())[0]
    }
    assert states == {"tried in G4, rejected"}
    correct(evolved, *range(210, 216))
    assert decided(evolved, karma=10.0).action == "train"


def test_too_few_different_prompts_are_no_generation(evolved: TinyWorkspace) -> None:
    for answer in ("One.", "Two.", "Three."):
        correct(evolved, 200, response=answer)
    correct(evolved, 201)
    found = decided(evolved, karma=1.0)
    assert (found.action, found.meter.karma) == ("wait", 4)
    assert "ask 2 different things, and an exam needs 5" in found.why


def test_what_keeps_it_waiting_is_said(evolved: TinyWorkspace, template: TinyWorkspace) -> None:
    assert "luna-tui train --generations 2" in decided(template).why
    correct(evolved, *range(200, 206))
    assert decided(evolved, karma=10.0, quiet_hours="11:00-13:00").why == "quiet hours until 13:00"
    with evolved.workspace.lock("training"):
        assert "in use (training" in decided(evolved, karma=10.0).why


def test_a_run_it_began_is_resumed_and_one_a_person_stopped_is_not(evolved: TinyWorkspace) -> None:
    from engine.core.events import TrainStep

    correct(evolved, *range(200, 206))
    evolved.stop_at(lambda event: isinstance(event, TrainStep) and event.step == 3, phase="converse", inbox_first=True)
    assert evolved.last.verdict == "interrupted"
    left = decided(evolved, karma=10.0)
    assert (left.action, left.why) == ("resume", "G4, which age-up had begun, goes on")
    ask(evolved, left)
    assert evolved.last.verdict == "accepted"

    evolved.stop_at(lambda event: isinstance(event, TrainStep) and event.step == 3)
    assert evolved.last.verdict == "interrupted"
    assert decided(evolved, karma=10.0).action == "wait"


def test_the_stamp_changes_with_the_inbox_and_not_by_itself(evolved: TinyWorkspace) -> None:
    before = stamp(evolved.workspace, evolved.config())
    assert stamp(evolved.workspace, evolved.config()) == before
    correct(evolved, 200)
    assert stamp(evolved.workspace, evolved.config()) != before
