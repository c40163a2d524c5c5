"""`k` keeps the turns in the chat pane, `y` and `Y` copy what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from tui.chat_scenes import happen, said, write
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from luna_tui.console.app import LunaApp


async def ask(pilot: Pilot[Any], text: str) -> None:
    await write(pilot, text)
    await pilot.press("enter")


def test_k_keeps_the_turns_from_then_on_and_again_asks_each_prompt_alone(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, *said(1, "before", ("G3",), "old"))
        await write(pilot, "")
        await pilot.press("escape", "k")
        assert "Chat G3 · turns kept" in screen_text(app)
        await ask(pilot, "one")
        await until(lambda: len(link.called("ask")) == 1)
        assert link.called("ask")[0][5:] == (((),),), "nothing was said yet"
        await happen(app, link, pilot, *said(2, "one", ("G3",), "first"))
        await ask(pilot, "and two")
        await until(lambda: len(link.called("ask")) == 2)
        assert link.called("ask")[1][5:] == ((("one", "first"),),)
        await happen(app, link, pilot, *said(3, "and two", ("G3",), "second"))
        await pilot.press("escape", "k")
        await ask(pilot, "alone")
        await until(lambda: len(link.called("ask")) == 3)
        assert link.called("ask")[2][5:] == ()

    play(scenario)


def test_an_answer_to_kept_turns_is_rated_with_them(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        prompt, *answered = said(1, "and two", ("G3",), "second")
        await happen(app, link, pilot, msgspec.structs.replace(prompt, histories=(("one", "first"),)), *answered)
        await write(pilot, "")
        await pilot.press("escape", "plus")
        await until(lambda: link.called("rate"))
        assert link.called("rate")[0][0].prompt == "one\nfirst\nand two"

    play(scenario)


def test_y_copies_the_answer_and_capital_y_the_conversation(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, "")
        await pilot.press("escape", "y")
        await until(lambda: "there is no answer to copy yet" in screen_text(app))
        await happen(app, link, pilot, *said(1, "one", ("G3",), "first"), *said(2, "two", ("G3",), "second"))
        await pilot.press("y")
        await until(lambda: app.clipboard == "second")
        await pilot.press("up", "y")
        await until(lambda: app.clipboard == "first")
        await pilot.press("Y")
        await until(lambda: app.clipboard == "**one**\n\nG3: first\n\n**two**\n\nG3: second\n")

    play(scenario)


def test_a_terminal_without_a_clipboard_gets_a_file(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, *said(1, "one", ("G3",), "first"))
        await write(pilot, "")
        await pilot.press("escape", "y")
        await until(lambda: list(tmp_path.rglob("copied-*.txt")))
        (path,) = tmp_path.rglob("copied-*.txt")
        assert path.read_text() == "first"

    play(scenario)
