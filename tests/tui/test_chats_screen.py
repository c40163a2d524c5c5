"""The page of stored conversations: `C` lists them, `/` searches, enter goes on with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chat_files import store_chat, turn
from textual.pilot import Pilot
from textual.widgets import Input
from tui.chat_scenes import happen, prompt_of, said, write
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from engine.workspace.chats.record import StoredChat
from engine.workspace.chats.store import read_chats
from engine.workspace.layout import Workspace
from luna_tui.console.app import LunaApp
from luna_tui.console.screens.chats import ChatsScreen
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.state.events import ChatsLoaded, ChatsTold, PromptSent

Seen = tuple[StoredChat, ...]


@pytest.fixture
def chats(tmp_path: Path) -> Seen:
    """Three conversations, the newest first: a ferry (kept), single prompts, one of a generation that is gone."""
    folder = Workspace(tmp_path / "stored")
    store_chat(folder, turn("Hello", "Hi.", gen=77, time="2026-10-01T08:00:00Z"))
    store_chat(folder, turn("Who are you?", "Luna. [b]\x1b[2J", gen=1, time="2026-10-02T08:00:00Z"))
    ferry = (turn("Where is the ferry?", "Nrth quay.", correction="North quay."), turn("And now?", "There.", fed=1))
    store_chat(folder, *ferry, kept=True)
    return tuple(read_chats(folder)[0])


async def open_page(app: LunaApp, link: FakeLink, pilot: Pilot[Any], chats: Seen, *problems: str) -> None:
    await pilot.press("C")
    await until(lambda: link.called("load_chats"))
    await happen(app, link, pilot, ChatsLoaded(chats, problems))


def test_the_newest_comes_first_and_is_shown_in_full(play: Play, chats: Seen) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await open_page(app, link, pilot, chats)
        text = screen_text(app)
        assert "3 stored conversations" in text
        lines = [line for line in text.splitlines() if "2026-10-" in line]
        assert [line.split()[:2] for line in lines] == [
            ["2026-10-14", "10:11"],
            ["2026-10-02", "08:00"],
            ["2026-10-01", "08:00"],
        ]
        assert "G3        2  Where is the ferry?" in lines[0]
        assert "corrected → North quay." in text
        await pilot.press("down")
        assert "Luna. [b]␛[2J" in screen_text(app)

    play(scenario)


def test_the_search_narrows_the_list_with_every_letter(play: Play, chats: Seen) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await open_page(app, link, pilot, chats)
        await pilot.press("slash", *"LUNA")
        await pilot.pause()
        text = screen_text(app)
        assert "1 with LUNA" in text
        assert "ferry" not in text
        await pilot.press("x")
        await pilot.pause()
        assert "none of them has this in it" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "Where is the ferry?" in screen_text(app)
        assert not app.screen.query_one(Input).display
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario)


def test_enter_goes_on_with_a_conversation_its_turns_kept(play: Play, chats: Seen) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, *said(1, "before", ("G3",), "old"))
        await open_page(app, link, pilot, chats)
        await pilot.press("down", "up", "enter")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert link.called("reopen_chat") == [(chats[0], 2)]
        await until(lambda: "Chat G3 · turns kept" in screen_text(app))
        assert "North quay." in screen_text(app)
        assert app.focused is prompt_of(app)
        await write(pilot, "And then?")
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        turn_number, prompt, refs, *_, kept = link.called("ask")[0]
        assert (turn_number, prompt, refs) == (4, "And then?", ("G3",))
        assert kept == (("Where is the ferry?", "North quay.", "And now?", "There."),)
        assert link.since == 2

    play(scenario)


def test_another_generation_than_the_chosen_one_is_chosen_with_its_conversation(play: Play, chats: Seen) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await open_page(app, link, pilot, chats)
        await pilot.press("down", "enter")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert app.state.ui.selected == 1
        await until(lambda: "Chat G1 · turns kept" in screen_text(app))

    play(scenario)


def test_a_generation_that_is_gone_and_an_answer_being_written_are_told(play: Play, chats: Seen) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await open_page(app, link, pilot, chats)
        await pilot.press("end", "enter")
        await until(lambda: "G77, which answered last, is not in this lineage" in screen_text(app))
        await happen(app, link, pilot, PromptSent(1, "one", ("G3",), {"temperature": 0.0, "max_tokens": 9, "seed": 0}))
        await pilot.press("home", "enter")
        await until(lambda: "an answer is still being written" in screen_text(app))
        assert isinstance(app.screen, ChatsScreen)
        assert link.called("reopen_chat") == []

    play(scenario)


def test_m_and_j_export_and_i_takes_it_into_the_inbox(play: Play, chats: Seen) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await open_page(app, link, pilot, chats)
        await pilot.press("m", "j", "i")
        await until(lambda: link.called("chat_to_inbox"))
        assert link.called("export_chat") == [(chats[0], "markdown"), (chats[0], "jsonl")]
        assert link.called("chat_to_inbox") == [(chats[0],)]
        await happen(app, link, pilot, ChatsTold("written to chats/exported/talk.md"))
        assert "written to chats/exported/talk.md" in screen_text(app)
        await happen(app, link, pilot, ChatsTold("all its answers are in the inbox already", failed=True))
        assert "all its answers are in the inbox already" in screen_text(app)

    play(scenario)


def test_an_empty_page_says_how_to_begin_and_a_malformed_file_is_told(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("C")
        await until(lambda: "reading the conversations" in screen_text(app))
        await happen(app, link, pilot, ChatsLoaded((), ("chats/bad.jsonl:1: no header", "chats/worse.jsonl:1: none")))
        text = screen_text(app)
        assert "nothing is stored yet" in text
        assert "chats/bad.jsonl:1: no header (and 1 more)" in text
        await pilot.press("enter", "m", "j", "i", "down")
        assert link.called("reopen_chat") + link.called("export_chat") + link.called("chat_to_inbox") == []

    play(scenario)
