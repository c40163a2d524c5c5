"""The training form: what it plans, what it refuses, and what it asks the engine for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import PLANS, FakeLink, lineage, row
from tui.screen_text import screen_text

from engine.pipeline.request import TrainRequest
from luna_tui.console.app import LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.train_form import TrainForm
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import LineageLoaded, ModeChanged
from luna_tui.console.state.train_plan import TrainFields, plan_training
from luna_tui.console.themes import DARK

SMALL = (80, 24)


def known(**more: Any) -> ConsoleState:
    state = reduce(ConsoleState(), LineageLoaded(lineage(), 3))
    return replace(state, plans=MappingProxyType(PLANS), **more)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("generations", "0", "a whole number, 1 to 1000"),
        ("generations", "", "a whole number, 1 to 1000"),
        ("generations", "1e9", "a whole number, 1 to 1000"),
        ("generations", "1001", "a whole number, 1 to 1000"),
        ("steps", "0", "a whole number, 1 or more"),
        ("steps", "-3", "a whole number, 1 or more"),
        ("seed", "x", "a whole number, 0 or more"),
        ("parent", "G9", "there is no G9"),
        ("parent", "", "HEAD, base or a generation"),
        ("data", "/no/such/file", "no such file or folder: /no/such/file"),
        ("data", "'open", "a quotation mark is not closed"),
        ("data", "x" * 5000, "no such file or folder: " + "x" * 5000),
    ],
)
def test_what_is_wrong_is_said_about_its_field(name: str, text: str, problem: str) -> None:
    plan = plan_training(replace(TrainFields(), **{name: text}), known())
    assert plan.wish is None
    assert plan.problems == {name: problem}


def test_a_backend_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert plan_training(TrainFields(backend="unsloth"), known()).problems == {"backend": "not installed here"}
    wish = plan_training(TrainFields(backend="trl"), known()).wish
    assert wish is not None
    assert wish.backend == "trl"


def test_everything_as_it_is_trains_head_once() -> None:
    plan = plan_training(TrainFields(), known())
    assert plan.wish == TrainRequest()
    assert plan.preview == ("G4 converse from G3: 70 steps at 1.5e-3", "about 1m 10s, going by G3")


@pytest.mark.parametrize(
    ("rows", "head", "first"),
    [
        ((), None, "G0 base from base: 400 steps at 1.5e-3"),
        (lineage()[:1], 0, "G1 align from G0: 150 steps at 1.5e-3"),
        (lineage()[:2], 1, "G2 converse from G1: 70 steps at 1.5e-3"),
    ],
)
def test_auto_picks_the_phase_by_the_ancestors(rows: Any, head: int | None, first: str) -> None:
    state = replace(reduce(ConsoleState(), LineageLoaded(tuple(rows), head)), plans=PLANS)
    assert plan_training(TrainFields(), state).preview[0] == first


def test_several_generations_are_named_with_their_phases() -> None:
    state = replace(reduce(ConsoleState(), LineageLoaded((), None)), plans=PLANS)
    plan = plan_training(TrainFields(generations="6"), state)
    assert plan.preview[1] == "then G1 align, G2 converse, G3 converse and 2 more, up to the first rejection"
    assert plan.preview[2] == "how long it takes is not known yet: the first generation tells"


def test_the_time_goes_by_the_newest_generation_of_the_phase() -> None:
    rows = (row(0, None, walltime_min=10.0, steps=400), row(1, 0, walltime_min=4.0, steps=150, head=True))
    state = replace(reduce(ConsoleState(), LineageLoaded(rows, 1)), plans=PLANS)
    assert plan_training(TrainFields(phase="base", steps="200"), state).preview[-1] == "about 5m 00s, going by G0"
    assert plan_training(TrainFields(phase="align", steps="75"), state).preview[-1] == "about 2m 00s, going by G1"


@pytest.mark.parametrize(
    ("typed", "parent", "note"),
    [
        ("head", None, "HEAD is G3"),
        ("1", "G1", "a branch: HEAD is G3"),
        ("g2", "G2", "a branch: HEAD is G3, and G2 was rejected"),
        ("G3", "G3", "where HEAD is"),
        ("base", "base", "a branch: HEAD is G3"),
        ("01010101", "G1", "a branch: HEAD is G3"),
    ],
)
def test_the_parent_may_be_named_in_every_way(typed: str, parent: str | None, note: str) -> None:
    plan = plan_training(TrainFields(parent=typed), known())
    assert plan.wish is not None
    assert plan.wish.parent == parent
    assert plan.notes["parent"] == note


def test_a_run_that_was_stopped_is_mentioned() -> None:
    assert "r would go on with it" in plan_training(TrainFields(), known(unfinished=4)).preview[-1]


def test_data_is_found_from_here_with_spaces_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new chats.jsonl").write_text("{}\n")
    (tmp_path / "more").mkdir()
    plan = plan_training(TrainFields(data="'new chats.jsonl' more"), known())
    assert plan.wish is not None
    assert plan.wish.data == (tmp_path / "new chats.jsonl", tmp_path / "more")
    assert plan.notes["data"] == "new chats.jsonl (3 B), more/ (folder)"


# On the screen


def test_enter_trains_with_what_is_filled_in(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: "G4 converse from G3: 70 steps at 1.5e-3" in screen_text(app))
        await pilot.press("3", "down", "right", "right")
        await until(lambda: "G4 align from G3: 150 steps" in screen_text(app))
        await pilot.press("tab", *"G1", "tab", *"20", "tab", *"7", "tab", "right", "right", "tab", "space")
        await until(lambda: "G4 align from G1: 20 steps" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: link.called("train"))
        wish = link.called("train")[0][0]
        assert wish == TrainRequest(3, phase="align", parent="G1", steps=20, seed=7, backend="trl", strict=True)

    play(scenario, size=SMALL)


def test_a_wrong_field_keeps_the_form_and_gets_the_cursor(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        await pilot.press("down", "down", *"G9", "up", "up", "enter")
        await until(lambda: "✗ there is no G9" in screen_text(app))
        assert isinstance(app.screen, TrainForm)
        assert app.focused is not None
        assert app.focused.id == "parent"
        await pilot.press("ctrl+u", *"G2")
        await until(lambda: "a branch: HEAD is G3" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: link.called("train"))
        assert link.called("train")[0][0].parent == "G2"

    play(scenario, size=SMALL)


def test_escape_trains_nothing(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        await pilot.press("5", "escape")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert link.called("train") == []

    play(scenario, size=SMALL)


def test_the_form_cannot_be_sent_while_another_process_trains(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        link.give(ModeChanged("viewer", 4711, "training"))
        await until(lambda: "another process is at work" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TrainForm)
        assert link.called("train") == []
        link.give(ModeChanged("idle"))
        await until(lambda: "G4 converse from G3" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: link.called("train"))

    play(scenario, size=SMALL)


def test_letters_in_the_training_form_are_text_or_nothing(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        await pilot.press("t", "q", "tab", "t", "q", "x", "tab", "s", "q")
        await pilot.pause()
        assert [type(screen) for screen in app.screen_stack] == [Dashboard, TrainForm]
        assert link.called("train") == []

    play(scenario, size=SMALL)


def test_what_is_wrong_is_red(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        await pilot.press("x")
        await until(lambda: "✗ a whole number" in screen_text(app))
        strips = app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if "a whole number" in segment.text]
        assert [style.color.name for style in styles if style and style.color] == [DARK.error]

    play(scenario, size=SMALL)


def test_a_config_that_is_wrong_is_told_instead_of_the_form(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.problem = {"title": "train.steps is not a number", "where": "luna.toml", "hint": "write a number"}
        await pilot.press("t")
        await until(lambda: "train.steps is not a number" in screen_text(app))
        assert isinstance(app.screen, Dashboard)

    play(scenario, size=SMALL)
