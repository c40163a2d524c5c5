"""The console's real link stores what is said, goes on with it, exports it, and takes it into the inbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tui.test_engine_link import Watched, watched
from unit.cli.cli_fakes import FakeEngine, make_workspace

from engine.workspace.chats.record import StoredChat
from engine.workspace.chats.store import read_chats
from engine.workspace.layout import Workspace
from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.chat_state import ChatState, kept_turns, reduce_chat
from luna_tui.console.state.events import (
    AnswerEnded,
    AnswerPiece,
    ChatReopened,
    ChatsLoaded,
    ChatsTold,
    KarmaRead,
    Noted,
)

GREEDY = SamplingOptions()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def seen(tmp_path: Path, engine: FakeEngine) -> Watched:
    return watched(make_workspace(tmp_path / "ws", generations=3), engine)


def ask(
    seen: Watched, turn: int, prompt: str, *refs: str, kept: tuple[tuple[str, ...], ...] = (), since: int = 0
) -> None:
    """Ask, and wait for the answers."""
    before = len(seen.all(AnswerEnded))
    seen.link.ask(turn, prompt, refs, GREEDY, "chat", kept, since)
    seen.until(lambda: len(seen.all(AnswerEnded)) == before + len(refs), "the answers")


def stored(seen: Watched) -> list[StoredChat]:
    chats, problems = read_chats(Workspace(seen.link.root))
    assert problems == []
    return sorted(chats, key=lambda chat: chat.id)


def test_what_the_screen_shows_as_complete_is_on_the_disk(seen: Watched) -> None:
    assert stored(seen) == []
    ask(seen, 1, "Who?", "G1")
    (chat,) = stored(seen)
    (turn,) = chat.turns
    assert (turn.prompt, turn.answer, turn.stop_reason, turn.gen, turn.sha, turn.fed) == (
        "Who?",
        "With what?",
        "eos",
        1,
        "1aaaaaaa",
        0,
    )
    assert (chat.label, chat.kept, chat.sampling) == ("G1", False, GREEDY.as_mapping())


def test_each_generation_has_a_file_and_kept_turns_are_a_conversation_of_their_own(seen: Watched) -> None:
    ask(seen, 1, "one", "G1", "base")
    ask(seen, 2, "two", "G1", "base")
    ask(seen, 3, "three", "G1", kept=((),), since=3)
    ask(seen, 4, "four", "G1", kept=(("three", "With what?"),), since=3)
    found = sorted((chat.label, chat.kept, [(t.prompt, t.fed) for t in chat.turns]) for chat in stored(seen))
    assert found == [
        ("G1", False, [("one", 0), ("two", 0)]),
        ("G1", True, [("three", 0), ("four", 1)]),
        ("base", False, [("one", 0), ("two", 0)]),
    ]


def test_a_prompt_to_the_whole_lineage_is_no_conversation(seen: Watched) -> None:
    seen.link.ask(1, "hello", ("G1", "base"), GREEDY, "lineage")
    seen.until(lambda: len(seen.all(AnswerEnded)) == 2, "both answers")
    assert stored(seen) == []


def test_an_answer_that_is_stopped_is_stored_as_far_as_it_came(seen: Watched) -> None:
    seen.link.ask(1, "a long one", ("G1", "base"), GREEDY)
    seen.first(AnswerPiece)
    seen.link.cancel_answers()
    seen.until(lambda: len(seen.all(AnswerEnded)) == 2, "both ends")
    (chat,) = stored(seen)
    assert [(turn.answer, turn.stop_reason) for turn in chat.turns] == [("and on", "stopped")]


def test_a_folder_that_takes_nothing_is_told_once_and_chat_goes_on(seen: Watched) -> None:
    (seen.link.root / "chats").write_text("no folder")
    for turn in (1, 2):
        ask(seen, turn, "Who?", "G1")
    (noted,) = seen.all(Noted)
    assert (noted.level, noted.text.startswith("this conversation is not stored: ")) == ("warning", True)
    assert all(event.stop_reason == "eos" for event in seen.all(AnswerEnded))


def test_a_correction_is_stored_with_its_turn(seen: Watched) -> None:
    ask(seen, 1, "one", "G1")
    ask(seen, 2, "two", "G1", "base")
    seen.link.rate(Rating(2, 1, "two", "With what?", None, "corrected", "With this."))
    seen.until(lambda: any(t.correction for chat in stored(seen) for t in chat.turns), "the correction")
    found = {chat.label: [turn.correction for turn in chat.turns] for chat in stored(seen)}
    assert found == {"G1": [None, None], "base": ["With this."]}


def test_a_conversation_goes_on_in_its_file_after_a_restart(seen: Watched, engine: FakeEngine) -> None:
    ask(seen, 1, "one", "G1")
    seen.link.close(wait=False)
    again = watched(seen.link.root, engine)
    again.link.load_chats()
    (chat,) = again.first(ChatsLoaded).chats
    state = reduce_chat(ChatState(), ChatReopened(chat, 1))
    again.link.reopen_chat(chat, 1)
    history = kept_turns(state.turns, "G1", 1)
    assert history == ("one", "With what?")
    ask(again, state.next_turn, "two", "G1", kept=(history,), since=1)
    assert engine.talkers[-1].asked[-1]["prompt"] == ("one", "With what?", "two")
    again.link.rate(Rating(1, 0, "one", "With what?", 1, "corrected", "With this."))
    again.until(lambda: stored(again)[0].turns[0].correction, "the correction of a turn that was reopened")
    (chat,) = stored(again)
    assert [(turn.prompt, turn.fed) for turn in chat.turns] == [("one", 0), ("two", 1)]


def test_a_conversation_of_this_console_is_taken_up_again(seen: Watched) -> None:
    ask(seen, 1, "one", "G1")
    (chat,) = stored(seen)
    seen.link.reopen_chat(chat, 2)
    ask(seen, 3, "two", "G1", kept=(("one", "With what?"),), since=2)
    ask(seen, 4, "alone", "G1")
    seen.link.rate(Rating(4, 0, "alone", "With what?", 1, "corrected", "With this."))
    seen.until(lambda: stored(seen)[0].turns[-1].correction, "the correction")
    (chat,) = stored(seen)
    assert [(turn.prompt, turn.fed, turn.correction) for turn in chat.turns] == [
        ("one", 0, None),
        ("two", 1, None),
        ("alone", 0, "With this."),
    ]


def test_exports_are_files_whose_names_are_told(seen: Watched) -> None:
    ask(seen, 1, "one", "G1")
    (chat,) = stored(seen)
    seen.link.export_chat(chat, "markdown")
    seen.link.export_chat(chat, "jsonl")
    seen.until(lambda: len(seen.all(ChatsTold)) == 2, "both files")
    names = [event.text.removeprefix("written to ") for event in seen.all(ChatsTold)]
    assert names == [f"chats/exported/{chat.id}{ending}" for ending in (".md", ".jsonl")]
    assert "**you:** one" in (seen.link.root / names[0]).read_text()
    row = json.loads((seen.link.root / names[1]).read_text())
    assert [message["content"] for message in row["messages"]] == ["one", "With what?"]


def test_the_inbox_takes_a_conversation_once_and_the_meter_moves(seen: Watched) -> None:
    seen.first(KarmaRead)
    ask(seen, 1, "one", "G1", kept=((),), since=1)
    ask(seen, 2, "two", "G1", kept=(("one", "With what?"),), since=1)
    (chat,) = stored(seen)
    seen.link.chat_to_inbox(chat)
    assert seen.first(ChatsTold) == ChatsTold("2 answers in 1 row for the inbox")
    seen.until(lambda: seen.all(KarmaRead)[-1].karma == 1, "the meter")
    seen.link.chat_to_inbox(chat)
    seen.until(lambda: len(seen.all(ChatsTold)) == 2, "a refusal")
    assert (seen.all(ChatsTold)[1].failed, "in the inbox already" in seen.all(ChatsTold)[1].text) == (True, True)


def test_a_malformed_file_is_told_beside_the_conversations(seen: Watched) -> None:
    ask(seen, 1, "one", "G1")
    (seen.link.root / "chats" / "bad.jsonl").write_text("{}\n")
    seen.link.load_chats()
    loaded = seen.first(ChatsLoaded)
    assert len(loaded.chats) == 1
    assert loaded.problems == ("chats/bad.jsonl:1: no header of a conversation: format is missing",)
