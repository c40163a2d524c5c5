"""A stored conversation becomes turns of the chat, which goes on with it."""

from __future__ import annotations

from pathlib import Path

from chat_files import store_chat, turn

from engine.workspace.chats.store import find_chat
from engine.workspace.layout import Workspace
from luna_tui.console.state.chat_state import ChatState, kept_turns, reduce_chat
from luna_tui.console.state.events import ChatReopened


def test_reopened_turns_are_history_whoever_answered_and_are_rated_with_what_they_were_given(tmp_path: Path) -> None:
    turns = (
        turn("a", "wrong", gen=1, correction="right", sampling={"temperature": 0.7, "seed": 4}),
        turn("b", " ", fed=1),
        turn("c", "3", fed=1),
        turn("d", "4", stop_reason="length", fed=1),
    )
    chat = find_chat(Workspace(tmp_path), store_chat(Workspace(tmp_path), *turns))
    state = reduce_chat(ChatState(), ChatReopened(chat, 5))
    assert [t.turn for t in state.turns] == [5, 6, 7, 8]
    assert [t.answers[0].label for t in state.turns] == ["G1", "G3", "G3", "G3"]
    assert [t.asked(0) for t in state.turns] == ["a", "a\nright\nb", "a\nright\nc", "c\n3\nd"]
    assert (state.turns[0].options["seed"], state.turns[1].options["temperature"]) == (4, 0.0)
    assert kept_turns(state.turns, "G3", 5) == chat.history() == ("a", "right", "c", "3", "d", "4")
    assert not state.busy
