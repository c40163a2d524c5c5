"""The help page."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text

from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.app import LunaApp
from luna_tui.console.render.help_page import TWO_COLUMNS, draw_help
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.help import Help
from luna_tui.console.state.actions import ACTIONS, PANES


@pytest.mark.parametrize("width", [30, 66, TWO_COLUMNS - 1, TWO_COLUMNS, 112, 200])
def test_no_line_is_wider_than_the_room(width: int) -> None:
    assert max(line.cell_len for line in draw_help(ACTIONS, width, UNICODE)) <= width


def test_keys_are_in_two_columns_where_there_is_room() -> None:
    narrow, wide = draw_help(ACTIONS, TWO_COLUMNS - 1, UNICODE), draw_help(ACTIONS, TWO_COLUMNS, UNICODE)
    assert len(wide) < 0.9 * len(narrow)
    titles = ("Evolve", "Judge", "Talk", "Files", "Look", "Leave", "In the lineage", "In the conversation")
    for lines in (narrow, wide):
        for title in titles:
            assert any(line.plain.startswith(title) or f"  {title}" in line.plain for line in lines), title


def test_it_says_how_the_method_goes() -> None:
    words = " ".join(line.plain for line in draw_help(ACTIONS, 80, UNICODE))
    for word in ("generation", "gate", "HEAD", "raw prompts", "Nothing is deleted"):
        assert word in words
    for number, (_, title) in enumerate(PANES, start=1):
        assert f"{number} {title}" in words


def test_ascii_help_is_ascii() -> None:
    assert all(line.plain.isascii() for line in draw_help(ACTIONS, 100, ASCII))


@pytest.mark.parametrize("key", ["escape", "q", "question_mark"])
def test_it_opens_scrolls_and_closes(play: Play, key: str) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, Help) and "How it works" in screen_text(app))
        assert "In the items" not in screen_text(app)
        await pilot.press("end")
        await until(lambda: "In the items" in screen_text(app))
        await pilot.press(key)
        await until(lambda: isinstance(app.screen, Dashboard))
        assert app.return_value is None

    play(scenario, size=(80, 24))


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 48)])
def test_no_word_is_cut_by_the_scroll_bar(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("question_mark")
        await until(lambda: "How it works" in screen_text(app))
        dialog = app.screen.query_one(".dialog").region
        lines = screen_lines(app)[dialog.y : dialog.bottom]
        shown = " ".join(" ".join(line[dialog.x + 3 : dialog.right - 4] for line in lines).split())
        assert "Nothing is deleted either way: roll back to any generation" in shown

    play(scenario, size=size)


def test_every_action_is_in_the_help() -> None:
    words = " ".join(" ".join(line.plain for line in draw_help(ACTIONS, 400, UNICODE)).split())
    narrow = " ".join(" ".join(line.plain for line in draw_help(ACTIONS, 80, UNICODE)).split())
    for action in ACTIONS:
        assert f"{action.shown_key} {action.help}" in words
        assert f"{action.shown_key} {action.help}" in narrow
