"""Which rows a stored conversation gives: what each model was fed, and no answer that is no example."""

from __future__ import annotations

from pathlib import Path

import pytest
from chat_files import store_chat, turn

from engine.data.conversations import rows_of
from engine.workspace.chats.record import StoredTurn
from engine.workspace.chats.store import find_chat
from engine.workspace.layout import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def taught(workspace: Workspace, *turns: StoredTurn) -> tuple[list[list[str]], int]:
    """The texts of each row, those of answers that are only history in brackets, and how many answers are left out."""
    rows, left_out = rows_of(find_chat(workspace, store_chat(workspace, *turns)))
    shown = [
        [t.text if t.role == "user" or t.learned else f"[{t.text}]" for t in row.turns] or [row.prompt, row.response]
        for row in rows
    ]
    return shown, left_out


def test_kept_turns_are_one_row(workspace: Workspace) -> None:
    turns = (turn("a", "1"), turn("b", "2", fed=1), turn("c", "3", fed=2))
    assert taught(workspace, *turns) == ([["a", "1", "b", "2", "c", "3"]], 0)


def test_prompts_asked_on_their_own_are_rows_of_their_own(workspace: Workspace) -> None:
    assert taught(workspace, turn("a", "1"), turn("b", "2")) == ([["a", "1"], ["b", "2"]], 0)


def test_single_prompts_taken_up_again_are_the_history_of_what_follows(workspace: Workspace) -> None:
    turns = (turn("a", "1"), turn("b", "2"), turn("c", "3", fed=2), turn("d", "4", fed=3))
    assert taught(workspace, *turns) == (
        [["a", "1"], ["b", "2"], ["a", "[1]", "b", "[2]", "c", "3", "d", "4"]],
        0,
    )


def test_what_left_the_window_stays_in_the_row_which_training_cuts_for_itself(workspace: Workspace) -> None:
    turns = (turn("a", "1"), turn("b", "2", fed=1), turn("c", "3", fed=1))
    assert taught(workspace, *turns) == ([["a", "1", "b", "2", "c", "3"]], 0)


def test_an_answer_that_did_not_end_by_itself_is_history_unless_corrected(workspace: Workspace) -> None:
    cut = turn("a", "on and on", stop_reason="length")
    assert taught(workspace, cut, turn("b", "2", fed=1)) == ([["a", "[on and on]", "b", "2"]], 1)
    assert taught(workspace, cut) == ([], 1)


def test_a_correction_is_what_is_learnt(workspace: Workspace) -> None:
    turns = (turn("a", "wrong", stop_reason="length", correction="right"), turn("b", "", fed=1), turn("c", "3", fed=1))
    assert taught(workspace, *turns) == ([["a", "right", "c", "3"]], 1)
