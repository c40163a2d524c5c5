"""Questions and the export form: what they say, what they refuse, and what they answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text

from engine.core.events import RunStarted, TrainStep
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.confirm import Confirm
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.export_form import ExportForm, ExportWish
from luna_tui.console.screens.quit import QuitQuestion
from luna_tui.console.state.events import ModeChanged
from luna_tui.console.widgets.fields import folded

SMALL = (80, 24)
OWNER = ModeChanged("owner")


async def put(app: LunaApp, screen: Screen[Any]) -> list[Any]:
    """Put a question on the screen; its answer will be in the list."""
    answers: list[Any] = []
    app.push_screen(screen, answers.append)
    await until(lambda: app.screen is screen and screen.is_mounted and app.focused is not None)
    return answers


def run_started(**more: Any) -> RunStarted:
    facts: dict[str, Any] = {"gen": 4, "phase": "converse", "parent_gen": 3, "steps": 70, "lr": 1.5e-3}
    names = RunStarted.__struct_fields__
    defaults = {name: "" for name in names if name not in facts}
    return RunStarted(**{**defaults, **facts, "run": "r1", "seq": 1, "mono": 0.0, "wall": 0.0, **more})


def train_step(**more: Any) -> TrainStep:
    facts: dict[str, Any] = dict.fromkeys(TrainStep.__struct_fields__, 0.0)
    return TrainStep(**{**facts, "run": "r1", "seq": 2, "step": 21, "total": 70, "eta_s": 72.0, **more})


# Yes or no


@pytest.mark.parametrize(
    ("danger", "keys", "answer"),
    [
        (False, ["y"], True),
        (False, ["n"], False),
        (False, ["escape"], False),
        (False, ["enter"], True),
        (True, ["enter"], False),
        (True, ["up", "enter"], True),
        (True, ["y"], True),
    ],
)
def test_a_question_is_answered_by_letter_or_by_enter(play: Play, danger: bool, keys: list[str], answer: bool) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        answers = await put(app, Confirm("Roll back to G1?", ("HEAD moves.",), "move HEAD to G1", danger=danger))
        await until(lambda: "move HEAD to G1" in screen_text(app))
        await pilot.press(*keys)
        await until(lambda: answers)
        assert answers == [answer]
        assert isinstance(app.screen, Dashboard)

    play(scenario, size=SMALL)


def test_rolling_back_asks_and_names_both_generations(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        app.change(replace(app.state, ui=replace(app.state.ui, selected=1)))
        await pilot.press("b")
        await until(lambda: isinstance(app.screen, Confirm))
        await until(lambda: "HEAD moves from G3 to G1" in screen_text(app))
        await pilot.press("y")
        await until(lambda: link.called("rollback"))
        assert link.called("rollback")[0][0] == "G1"

    play(scenario, size=SMALL)


def test_a_question_shows_no_control_characters(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await put(app, Confirm("[b]bold\x1b[31m", ("[red]x\x1b]0;t\x07",), "yes[/]"))
        await until(lambda: "[red]x␛]0;t␇" in screen_text(app))
        assert "[b]bold␛[31m" in screen_text(app)
        assert "yes[/]" in screen_text(app)

    play(scenario, size=SMALL)


# Leaving while a run is going on


@pytest.mark.parametrize(
    ("keys", "leave"),
    [(["h"], "headless"), (["s"], "stop"), (["enter"], "headless"), (["down", "enter"], "stop")],
)
def test_leaving_a_run_says_how(play: Play, keys: list[str], leave: str) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.give(OWNER)
        await until(lambda: app.state.busy)
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, QuitQuestion))
        await pilot.press(*keys)
        await until(lambda: app.return_value == leave)

    play(scenario, size=SMALL)


def test_leaving_while_a_job_goes_on_asks_first(play: Play) -> None:
    """On 6e62aca `q` left at once, and an export that went on ended in the middle."""

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.job_label = "exporting G1 for ollama"
        await pilot.press("q", "ctrl+c")
        await until(lambda: isinstance(app.screen, Confirm))
        assert len([screen for screen in app.screen_stack if isinstance(screen, Confirm)]) == 1
        assert "exporting G1 for ollama is still going on" in screen_text(app)
        await pilot.press("n")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert app.return_value is None
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(lambda: app.return_value == "done")

    play(scenario, size=SMALL)


def test_a_run_that_begins_in_this_frame_is_asked_about(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.trains = True  # nothing has been told of it yet
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, QuitQuestion))

    play(scenario, size=SMALL)


@pytest.mark.parametrize("keys", [["escape"], ["end", "enter"], ["c"]])
def test_one_may_stay(play: Play, keys: list[str]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.give(OWNER)
        await until(lambda: app.state.busy)
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, QuitQuestion))
        await pilot.press(*keys)
        await until(lambda: isinstance(app.screen, Dashboard))
        assert app.return_value is None

    play(scenario, size=SMALL)


def test_the_question_follows_the_run(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.give(OWNER, run_started())
        await until(lambda: app.state.run.started is not None)
        await pilot.press("q")
        await until(lambda: "G4 converse" in screen_text(app))
        state = replace(app.state, run=replace(app.state.run, step="train", train=train_step()))
        app.change(state)
        await until(lambda: "step 21/70 · 1m 12s left of training" in screen_text(app))
        link.give(ModeChanged("idle"))
        await until(lambda: "The run has ended meanwhile" in screen_text(app))

    play(scenario, size=SMALL)


# Export


def test_the_directory_follows_the_target_until_it_is_edited(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        answers = await put(app, ExportForm("G3", tmp_path, app.glyphs))
        entry = app.screen.query_one(Input)
        assert entry.value == str(tmp_path / "exports" / "G3-ollama")
        await pilot.press("down")
        await until(lambda: entry.value == str(tmp_path / "exports" / "G3-lmstudio"))
        await pilot.press("tab", "end", *"-2")
        assert entry.value == str(tmp_path / "exports" / "G3-lmstudio-2")
        app.screen.query_one("#choices").focus()
        await pilot.press("end")
        await pilot.pause()
        assert entry.value == str(tmp_path / "exports" / "G3-lmstudio-2")
        await pilot.press("enter")
        await until(lambda: answers)
        assert answers == [ExportWish("hf", tmp_path / "exports" / "G3-lmstudio-2")]

    play(scenario, size=SMALL)


def test_a_directory_that_is_not_empty_is_said_and_a_file_is_refused(play: Play, tmp_path: Path) -> None:
    full = tmp_path / "exports" / "G3-ollama"
    full.mkdir(parents=True)
    (full / "Modelfile").write_text("x")
    (tmp_path / "exports" / "G3-lmstudio").write_text("a file")

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        answers = await put(app, ExportForm("G3", tmp_path, app.glyphs))
        await until(lambda: "not empty" in screen_text(app))
        await pilot.press("down")
        await until(lambda: "this is a file" in screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ExportForm)
        await pilot.press("ctrl+u")
        await until(lambda: "name a directory" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: answers)
        assert answers == [None]

    play(scenario, size=SMALL)


def test_the_export_reaches_the_engine(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("x")
        await until(lambda: isinstance(app.screen, ExportForm))
        await pilot.press("enter")
        await until(lambda: link.called("export"))
        assert link.called("export") == [("G3", "ollama", tmp_path / "exports" / "G3-ollama")]

    play(scenario, size=SMALL)


# All of them


@pytest.mark.parametrize("key", ["t", "x", "o", "question_mark", "q", "b"])
def test_forms_fit_the_smallest_terminal_in_ascii(play: Play, key: str) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        if key == "q":
            link.give(OWNER)
            await until(lambda: app.state.busy)
        if key == "b":
            app.change(replace(app.state, ui=replace(app.state.ui, selected=1)))
        await pilot.press(key)
        await until(lambda: len(app.screen_stack) == 2 and app.focused is not None)
        await pilot.pause()

        def lines() -> list[str]:
            dialog = app.screen.query_one(".dialog").region  # anew: it grows when what it shows has been read
            return [line[dialog.x : dialog.right] for line in screen_lines(app)[dialog.y : dialog.bottom]]

        await until(lambda: all(line.isascii() for line in lines()))
        dialog = app.screen.query_one(".dialog").region
        assert dialog.x >= 0
        assert dialog.right <= 80
        assert dialog.y >= 0
        assert dialog.bottom <= 24
        inside = lines()
        assert {line[0] for line in inside} <= {"+", "|"}
        assert {line[-1] for line in inside} <= {"+", "|"}

    play(scenario, size=SMALL, pace=FrameRate(frames=50, ascii=True))


def test_folding_breaks_at_words_and_keeps_empty_lines() -> None:
    lines = [line.plain for line in folded([Text("one two three"), Text(), Text("four")], 8)]
    assert lines == ["one two", "three", "", "four"]
