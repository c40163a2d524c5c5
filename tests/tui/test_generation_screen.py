"""The page of a generation in the console."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.generation import GenerationScreen
from luna_tui.console.screens.items import ItemsScreen
from luna_tui.console.state.events import DetailsLoaded, EvaluationLoaded

MANIFEST: dict[str, Any] = {
    "backend": "trl",
    "seed": 0,
    "threads": 2,
    "recipe": {"rank": 32},
    "versions": {"torch": "2.13.0"},
    "data": {"new": 104, "train": 183, "holdout": 21, "replay": 100},
    "scores": {},
    "files": {"luna_age_3.gguf": {"sha256": "ab" * 32, "bytes": 145_000_000}},
}
EVALUATION: dict[str, Any] = {
    "items": [{"id": "a", "prompt": "ask?", "expected": "yes", "output": "no", "score": 0.0, "sets": ["exam:G3"]}],
    "tone": [],
    "scores": {},
}


async def opened(app: LunaApp, pilot: Pilot[object]) -> GenerationScreen:
    await pilot.press("enter")
    await until(lambda: isinstance(app.screen, GenerationScreen))
    await until(lambda: "Verdict" in screen_text(app))
    assert isinstance(app.screen, GenerationScreen)
    return app.screen


def test_it_asks_for_what_it_shows_and_shows_it_as_it_comes(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, pilot)
        await until(lambda: ("G3",) in link.called("load_evaluation"))
        await until(lambda: {(3,), (1,)} <= set(link.called("load_details")))  # its parent's too: for what differs
        assert "reading its items" in screen_text(app)
        link.give(EvaluationLoaded("G3", EVALUATION), DetailsLoaded(3, MANIFEST), DetailsLoaded(1, MANIFEST))
        await until(lambda: "1 of 1 items failed" in screen_text(app))
        await until(lambda: "rank" in screen_text(app))
        await pilot.press("end")
        await until(lambda: "2.13.0" in screen_text(app))
        assert link.called("load_evaluation").count(("G3",)) == 1

    play(scenario)


def test_brackets_and_arrows_go_to_the_one_before_and_after(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        screen = await opened(app, pilot)
        await pilot.press("left_square_bracket")
        await until(lambda: "Rejected: HEAD stayed at G1" in screen_text(app))
        assert app.state.ui.selected == 2  # keys of the console mean the generation that is seen
        await until(lambda: ("G2",) in link.called("load_evaluation"))
        await pilot.press("left", "left", "left")
        await until(lambda: screen.gen == 0)
        await pilot.press("right_square_bracket", "right")
        await until(lambda: "missed" in screen_text(app) and screen.gen == 2)

    play(scenario)


def test_i_opens_its_items_and_escape_goes_back(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        screen = await opened(app, pilot)
        await pilot.press("i")
        await until(lambda: isinstance(app.screen, ItemsScreen))
        await pilot.press("escape")
        await until(lambda: app.screen is screen)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert app.state.ui.selected == 3

    play(scenario)


def test_c_leaves_for_the_chat_with_it(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("up")
        await opened(app, pilot)
        await pilot.press("c")
        await until(lambda: isinstance(app.screen, Dashboard) and app.screen.active == "chat")
        assert app.state.ui.selected == 2

    play(scenario)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_an_examination_that_cannot_be_read_says_why(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, pilot)
        link.give(EvaluationLoaded("G3", None, "no [red]file\x1b[2J"), DetailsLoaded(3, None))
        await until(lambda: "its items cannot be read: no [red]file" in screen_text(app))
        await pilot.press("end")
        await until(lambda: "a hand-written row" in screen_text(app))
        assert "\x1b" not in screen_text(app)

    play(scenario, size=size)


def test_it_scrolls_and_comes_back_to_the_top_for_another(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, pilot)
        link.give(DetailsLoaded(3, MANIFEST))
        await until(lambda: 3 in app.state.manifests)
        assert "Files" not in screen_text(app)
        await pilot.press("end")
        await until(lambda: "Files" in screen_text(app))
        await pilot.press("left")
        await until(lambda: "Verdict" in screen_text(app))

    play(scenario, size=(80, 24), pace=FrameRate(frames=50))
