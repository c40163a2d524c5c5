"""A stored conversation becomes rows of the inbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from chat_files import store_chat, turn

from engine.config.config import Config
from engine.config.load import load_config
from engine.core.errors import UsageError
from engine.data.inbox import InboxRow, append_row, trainable_rows
from engine.service.chat_inbox import TakenIn, chat_to_inbox
from engine.workspace.chats.record import StoredTurn
from engine.workspace.chats.store import find_chat
from engine.workspace.create import create_workspace
from engine.workspace.layout import Workspace

TALK = (turn("Where is it?", "North quay."), turn("And the boat?", "South quay.", fed=1))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path / "ws", demo=False)
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def config(workspace: Workspace) -> Config:
    return load_config(workspace.root, {})


def take(workspace: Workspace, config: Config, *turns: StoredTurn) -> TakenIn:
    return chat_to_inbox(workspace, config, find_chat(workspace, store_chat(workspace, *turns, kept=True)))


def test_a_conversation_is_one_row(workspace: Workspace, config: Config) -> None:
    assert take(workspace, config, *TALK) == TakenIn(rows=1, answers=2, known=0, left_out=0)
    (row,) = trainable_rows(workspace)
    assert [text.text for text in row.turns] == ["Where is it?", "North quay.", "And the boat?", "South quay."]


def test_it_is_not_taken_in_twice_but_what_is_new_in_it_is(workspace: Workspace, config: Config) -> None:
    take(workspace, config, *TALK)
    with pytest.raises(UsageError, match="in the inbox already"):
        take(workspace, config, *TALK)
    more = turn("Thanks.", "Any time.", fed=2)
    assert take(workspace, config, *TALK, more) == TakenIn(rows=1, answers=1, known=2, left_out=0)


def test_an_answer_rated_down_is_never_an_example(workspace: Workspace, config: Config) -> None:
    append_row(workspace, InboxRow("Where is it?\nNorth quay.\nAnd the boat?", "South quay.", -1, "rated", 3))
    assert take(workspace, config, *TALK) == TakenIn(rows=1, answers=1, known=1, left_out=0)
    assert [row.answers for row in trainable_rows(workspace)] == [("North quay.",)]


def test_a_conversation_without_an_example_says_so(workspace: Workspace, config: Config) -> None:
    with pytest.raises(UsageError, match="no answer of it ended by itself"):
        take(workspace, config, turn("a", "on and on", stop_reason="length"))
    assert not (workspace.root / "inbox" / "chat.jsonl").exists()


def test_what_a_reader_would_refuse_is_refused_at_once(workspace: Workspace, config: Config) -> None:
    with pytest.raises(UsageError, match="this cannot be learnt"):
        take(workspace, config, turn("a", "Yes.<|im_end|>"))
    assert not (workspace.root / "inbox" / "chat.jsonl").exists()
