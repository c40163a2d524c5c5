"""Every action of the console: its key does its thing, its refusal is told, and help and palette know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import TextArea
from tui.conftest import Play, until
from tui.fake_link import FakeLink, lineage
from tui.screen_text import screen_text

from engine.pipeline.request import TrainRequest
from luna_tui.console import messages
from luna_tui.console.app import LunaApp
from luna_tui.console.screens.chats import ChatsScreen
from luna_tui.console.screens.compare import CompareScreen
from luna_tui.console.screens.config_view import ConfigView
from luna_tui.console.screens.confirm import Confirm
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.export_form import ExportForm
from luna_tui.console.screens.generation import GenerationScreen
from luna_tui.console.screens.help import Help
from luna_tui.console.screens.import_form import ImportForm
from luna_tui.console.screens.items import ItemsScreen
from luna_tui.console.screens.matrix import MatrixScreen
from luna_tui.console.screens.questions_form import QuestionsForm
from luna_tui.console.screens.quit import QuitQuestion
from luna_tui.console.screens.train_form import TrainForm
from luna_tui.console.screens.voice import VoiceScreen
from luna_tui.console.state.actions import ACTIONS, BY_NAME
from luna_tui.console.state.events import ConsoleEvent, JobStarted, LineageLoaded, ModeChanged
from luna_tui.console.themes import THEMES

Done = Callable[[LunaApp, FakeLink], object]


@dataclass(frozen=True)
class Case:
    """What happens first, what the person has chosen, and how one sees that the key has done its thing."""

    done: Done
    events: tuple[ConsoleEvent, ...] = ()
    ui: dict[str, Any] = field(default_factory=dict)


def on_top(kind: type) -> Done:
    return lambda app, link: isinstance(app.screen, kind)


def asked(*call: object) -> Done:
    return lambda app, link: tuple(call) in link.calls


JOB = JobStarted("verify", "verifying")
OWNER = ModeChanged("owner")
WINDOW = {"window": (40, 100)}

CASES: dict[str, Case] = {
    "train": Case(on_top(TrainForm)),
    "stop": Case(lambda app, link: link.called("stop") and app.state.stopping, (OWNER,)),
    "resume": Case(asked("train", TrainRequest(resume=True)), (LineageLoaded(lineage(), 3, unfinished=4),)),
    "rollback": Case(on_top(Confirm), ui={"selected": 1}),
    "evaluate": Case(asked("evaluate", "G3")),
    "items": Case(on_top(ItemsScreen)),
    "matrix": Case(on_top(MatrixScreen)),
    "compare": Case(on_top(CompareScreen), ui={"marked": (1, 3)}),
    "cancel_job": Case(lambda app, link: link.called("cancel_job"), (JOB,)),
    "chat": Case(lambda app, link: isinstance(app.focused, TextArea)),
    "versus": Case(lambda app, link: "G1" in str(app.screen.query_one("#chat").border_title)),
    "ask_lineage": Case(on_top(VoiceScreen)),
    "voice": Case(on_top(VoiceScreen)),
    "chats": Case(on_top(ChatsScreen)),
    "export": Case(on_top(ExportForm)),
    "verify": Case(asked("verify")),
    "questions": Case(on_top(QuestionsForm)),
    "import": Case(on_top(ImportForm)),
    "config": Case(on_top(ConfigView)),
    "log_scale": Case(lambda app, link: app.state.ui.log_scale),
    "raw": Case(lambda app, link: not app.state.ui.show_raw),
    "zoom_in": Case(lambda app, link: width(app) == 75),
    "zoom_out": Case(lambda app, link: width(app) == 120, ui=WINDOW),
    "pan_left": Case(lambda app, link: app.state.ui.window == (25, 85), ui=WINDOW),
    "pan_right": Case(lambda app, link: app.state.ui.window == (55, 115), ui=WINDOW),
    "full": Case(lambda app, link: isinstance(app.screen, Dashboard) and app.screen.full),
    "theme": Case(lambda app, link: app.theme == "luna-light"),
    "screenshot": Case(lambda app, link: list((link.root / "pictures").glob("*.svg"))),
    "help": Case(on_top(Help)),
    "palette": Case(on_top(CommandPalette)),
    "quit": Case(on_top(QuitQuestion), (OWNER,)),
}

REFUSED: dict[str, tuple[tuple[ConsoleEvent, ...], dict[str, Any]]] = {
    "train": ((ModeChanged("viewer", 4711, "training"),), {}),
    "stop": ((), {}),
    "resume": ((), {}),
    "rollback": ((), {"selected": 3}),
    "evaluate": ((JOB,), {}),
    "items": ((), {"selected": None, "followed": False}),
    "matrix": ((), {"selected": None, "followed": False}),
    "compare": ((), {"marked": (1,)}),
    "versus": ((LineageLoaded((), None),), {}),
    "ask_lineage": ((LineageLoaded((), None),), {}),
    "export": ((), {"selected": None, "followed": False}),
    "verify": ((JOB,), {}),
}


def width(app: LunaApp) -> int:
    window = app.state.ui.window
    return window[1] - window[0] if window else -1


async def arrange(app: LunaApp, link: FakeLink, pilot: Pilot[Any], events: Any, ui: dict[str, Any]) -> None:
    if events:
        link.give(*events)
        await until(lambda: not link.pending)
        await pilot.pause()
    if ui:
        app.change(replace(app.state, ui=replace(app.state.ui, **ui)))
        await pilot.pause()
    link.calls.clear()


def test_every_action_has_a_case_here() -> None:
    assert set(CASES) == {action.name for action in ACTIONS}
    always = replace(ACTIONS[0], name="x", refusal=BY_NAME["chat"].refusal).refusal
    assert set(REFUSED) == {action.name for action in ACTIONS if action.refusal is not always}


@pytest.mark.parametrize("name", CASES)
def test_the_key_does_its_thing(play: Play, name: str) -> None:
    case = CASES[name]

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await arrange(app, link, pilot, case.events, case.ui)
        assert not case.done(app, link), "it was done before the key was pressed"
        await pilot.press(BY_NAME[name].key)
        await until(lambda: case.done(app, link))

    play(scenario)


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_told_and_nothing_is_done(play: Play, name: str) -> None:
    events, ui = REFUSED[name]

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await arrange(app, link, pilot, events, ui)
        refusal = BY_NAME[name].refusal(app.state)
        assert refusal
        await pilot.press(BY_NAME[name].key)
        await until(lambda: app.state.notice is not None and app.state.notice.text == refusal)
        await pilot.pause()
        assert refusal[:60] in screen_text(app)
        assert isinstance(app.screen, Dashboard)
        assert not [call for call in link.calls if not call[0].startswith("load_")]

    play(scenario)


def test_there_being_no_job_to_cancel_is_told(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press(BY_NAME["cancel_job"].key)
        await until(lambda: "no eval, matrix, verify, export or import is going on" in screen_text(app))
        assert link.called("cancel_job") == []

    play(scenario)


def test_quitting_while_nothing_runs_asks_nothing(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("q")
        await until(lambda: app.return_value == "done")

    play(scenario)


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
def test_control_keys_ask_to_quit_even_above_a_form(play: Play, key: str) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        link.give(OWNER)
        await until(lambda: app.state.busy)
        await pilot.press(key, key)
        await until(lambda: isinstance(app.screen, QuitQuestion))
        assert len([screen for screen in app.screen_stack if isinstance(screen, QuitQuestion)]) == 1

    play(scenario)


def test_every_pane_has_its_number(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        for key, pane in zip("123456", ("lineage", "loss", "evals", "chat", "log", "machine"), strict=True):
            await pilot.press(key)
            await until(lambda pane=pane: app.screen.active == pane and app.screen.query_one(f"#{pane}").display)

    play(scenario, size=(80, 24))


def test_every_action_is_in_the_palette_when_it_may_be_done(play: Play) -> None:
    offered: dict[str, str] = {}

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        for events, ui in (
            ((LineageLoaded(lineage(), 3, unfinished=4),), {"selected": 1, "marked": (1, 3)}),
            ((OWNER,), {}),
        ):
            await arrange(app, link, pilot, events, ui)
            for command in app.get_system_commands(app.screen):
                offered[command.title.lower()] = command.help

    play(scenario)
    for action in ACTIONS:
        if action.name != "palette":
            assert offered[f"{action.label.lower()}  ({action.shown_key.lower()})"] == action.help


def test_the_palette_leaves_out_what_would_be_refused(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Train  (t)" in titles
        assert not [title for title in titles if title.startswith(("Stop", "Resume", "Roll back"))]

    play(scenario)


def test_a_command_of_the_palette_is_carried_out(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"verify")
        await until(lambda: "Recompute every hash" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: link.called("verify"))
        assert isinstance(app.screen, Dashboard)

    play(scenario)


def test_the_palette_begins_nothing_above_a_question(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("o")
        await until(lambda: isinstance(app.screen, ConfigView))
        app.action_act("train")
        await pilot.press("ctrl+p")
        await pilot.pause()
        if isinstance(app.screen, CommandPalette):
            await pilot.press("escape")
        await until(lambda: isinstance(app.screen, ConfigView))
        assert [type(screen) for screen in app.screen_stack if isinstance(screen, TrainForm)] == []
        assert app.state.notice is not None
        assert "asked first" in app.state.notice.text

    play(scenario)


# What a question itself answers to; every other letter must do nothing at all.
OWN_KEYS = {"b": "yn", "x": "", "o": "eqo", "question_mark": "q", "q": "hsc"}


@pytest.mark.parametrize("opener", OWN_KEYS)
def test_letters_do_nothing_to_the_app_below_a_question(play: Play, opener: str) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        events = (OWNER,) if opener == "q" else ()
        await arrange(app, link, pilot, events, {"selected": 1, "marked": (1, 3)} if opener == "b" else {})
        await pilot.press(opener)
        await until(lambda: len(app.screen_stack) == 2)
        before, ui = list(app.screen_stack), app.state.ui
        letters = [action.key for action in ACTIONS if len(action.key) == 1 and action.key not in OWN_KEYS[opener]]
        await pilot.press(*letters, "1", "2", "less_than_sign", "equals_sign")
        await pilot.pause()
        assert app.screen_stack == before
        assert app.state.ui == ui
        assert app.return_value is None
        assert not [call for call in link.calls if not call[0].startswith("load_")]

    play(scenario)


def test_actions_work_from_the_page_of_a_generation(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        app.screen.post_message(messages.OpenGeneration(3))
        await until(lambda: isinstance(app.screen, GenerationScreen))
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, GenerationScreen))

    play(scenario)


def test_every_theme_can_be_chosen_with_a_form_open_in_it(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        for theme in [*THEMES[1:], THEMES[0]]:
            await pilot.press(BY_NAME["theme"].key)
            await until(lambda name=theme.name: app.theme == name)
            await pilot.press("t")
            await until(lambda: isinstance(app.screen, TrainForm) and "generations" in screen_text(app))
            await pilot.press("escape")
            await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario)
