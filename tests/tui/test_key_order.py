"""Keys that arrive faster than the console carries them out, as in one packet of an SSH line."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink

from luna_tui.console.app import LunaApp
from luna_tui.console.screens.compare import CompareScreen
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.help import Help
from luna_tui.console.screens.items import ItemsScreen
from luna_tui.console.screens.train_form import TrainForm
from luna_tui.console.widgets.prompt_input import PromptInput


def at_once(app: LunaApp, *keys: str) -> None:
    """All keys before the app gets a turn."""
    for key in keys:
        character = " " if key == "space" else key if len(key) == 1 else None
        app.post_message(events.Key(key, character))


def test_a_prompt_typed_behind_its_key_is_whole(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        at_once(app, "c", *"hello", "left", "X")
        await until(lambda: app.screen.query_one(PromptInput).text == "hellXo")
        assert isinstance(app.screen, Dashboard), "no letter of it was taken for a command"

    play(scenario)


def test_sent_and_left_in_one_breath(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        at_once(app, "c", *"hi", "enter", "escape", "question_mark")
        await until(lambda: isinstance(app.screen, Help))
        assert [call[1] for call in link.called("ask")] == ["hi"]

    play(scenario)


def test_a_prompt_goes_to_the_generation_that_the_key_before_has_chosen(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        at_once(app, "up", "c", *"hi", "enter")
        await until(lambda: link.called("ask"))
        assert [call[1:3] for call in link.called("ask")] == [("hi", ("G2",))]

    play(scenario)


def test_two_marks_and_their_comparison(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        at_once(app, "space", "up", "up", "space", "equals_sign")
        await until(lambda: isinstance(app.screen, CompareScreen))
        assert app.state.ui.marked == (3, 1)

    play(scenario)


@pytest.mark.parametrize(("key", "page"), [("t", TrainForm), ("i", ItemsScreen), ("question_mark", Help)])
def test_a_page_is_there_before_the_key_that_leaves_it(play: Play, key: str, page: type) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        at_once(app, key, "escape", "up", "up")
        await until(lambda: app.state.ui.selected == 1)
        assert isinstance(app.screen, Dashboard)

    play(scenario)


def test_the_form_and_its_enter(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        at_once(app, "t", "enter")
        await until(lambda: link.called("train"))
        assert isinstance(app.screen, Dashboard)

    play(scenario)


def test_a_hundred_keys_keep_their_order(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        words = "the clock of the cellar strikes nine " * 4
        at_once(app, "c", *("space" if letter == " " else letter for letter in words))
        await until(lambda: len(app.screen.query_one(PromptInput).text) >= len(words))
        assert app.screen.query_one(PromptInput).text == words

    play(scenario)
