"""Stored conversations: what their files hold, what a crash leaves, and how they are found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chat_files import TIME, chat_log, turn

from engine.core.errors import UsageError
from engine.workspace.chats.store import ChatLog, find_chat, read_chat, read_chats, sha_of
from engine.workspace.layout import Workspace
from ledger.durable import AppendFile
from ledger.errors import LedgerError


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def file_of(log: ChatLog) -> Path:
    assert log.path is not None
    return log.path


def test_nothing_is_created_before_the_first_answer(workspace: Workspace) -> None:
    chat_log(workspace)
    assert not (workspace.root / "chats").exists()
    assert read_chats(workspace) == ([], [])


def test_a_conversation_is_read_as_it_was_written(workspace: Workspace) -> None:
    log = chat_log(workspace, kept=True)
    first = turn("Who are you?", "Luna.\n\x1b[31m\ud800", gen=3, sampling={"temperature": 0.7, "seed": 4})
    second = turn("And where?", "Here.", gen=3, fed=1, continued=True, stop_reason="length")
    assert log.add(first) is None
    assert log.add(second) is None
    assert file_of(log).name == "20261014-101112-G3.jsonl"
    (chat,), problems = read_chats(workspace)
    assert problems == []
    assert (chat.id, chat.label, chat.kept, chat.torn) == ("20261014-101112-G3", "G3", True, 0)
    assert chat.turns == (first, second)
    assert chat.sampling == {"temperature": 0.7, "seed": 4}
    assert chat.history() == ("Who are you?", "Luna.\n\x1b[31m\ud800", "And where?", "Here.")


def test_two_conversations_that_begin_in_one_second_have_files_of_their_own(workspace: Workspace) -> None:
    one, other = chat_log(workspace), chat_log(workspace)
    one.add(turn("a", "1"))
    other.add(turn("b", "2"))
    one.add(turn("c", "3"))
    assert [file_of(log).stem for log in (one, other)] == ["20261014-101112-G3", "20261014-101112-G3-2"]
    assert [t.prompt for t in read_chat(file_of(one)).turns] == ["a", "c"]


def test_a_torn_last_line_is_skipped_told_and_mended_by_the_next_append(workspace: Workspace) -> None:
    log = chat_log(workspace)
    log.add(turn("a", "1"))
    path = file_of(log)
    with path.open("ab") as file:
        file.write(b'{"time": "2026')
    chat = read_chat(path)
    assert ([t.prompt for t in chat.turns], chat.torn) == (["a"], 1)
    log.add(turn("b", "2"))
    chat = read_chat(path)
    assert ([t.prompt for t in chat.turns], chat.torn) == (["a", "b"], 1)


def test_a_disk_that_is_full_for_a_while_loses_no_turn_and_is_told_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = AppendFile.append
    torn: Iterator[int] = iter((30, 0))

    def append(self: AppendFile, data: bytes) -> None:
        size = next(torn, None)
        if size is None:
            whole(self, data)
            return
        whole(self, data[:size])
        raise LedgerError("nothing was written: No space left on device", hint="free some disk space")

    monkeypatch.setattr(AppendFile, "append", append)
    log = chat_log(workspace)
    told = [log.add(turn(prompt, "x")) for prompt in "abc"]
    assert [error is not None for error in told] == [True, False, False]
    chat = read_chat(file_of(log))
    assert ([t.prompt for t in chat.turns], chat.torn) == (["a", "b", "c"], 1)


def test_a_place_that_cannot_be_written_is_an_error_that_is_returned(workspace: Workspace) -> None:
    (workspace.root / "chats").write_text("a file, no folder")
    error = chat_log(workspace).add(turn("a", "1"))
    assert error is not None
    assert "cannot be opened for writing" in error.title


def test_a_correction_stands_for_the_answer_in_what_follows(workspace: Workspace) -> None:
    log = chat_log(workspace, kept=True)
    log.add(turn("a", "wrong"))
    log.add(turn("b", "2", fed=1))
    log.correct(1, "right")
    chat = read_chat(file_of(log))
    assert (chat.turns[0].answer, chat.turns[0].correction) == ("wrong", "right")
    assert chat.history() == ("a", "right", "b", "2")


def test_a_conversation_is_taken_up_again_in_its_file(workspace: Workspace) -> None:
    log = chat_log(workspace)
    log.add(turn("a", "1"))
    again = ChatLog(workspace, kept=True, resumed=read_chat(file_of(log)))
    again.add(turn("b", "2", fed=1))
    again.correct(2, "two")
    assert read_chat(file_of(log)).history() == ("a", "1", "b", "two")


@pytest.mark.parametrize(
    ("content", "line", "title"),
    [
        (b"", 1, "nothing of this conversation was written whole"),
        (b'{"format": 1', 1, "nothing of this conversation was written whole"),
        (b"[]\n", 1, "no JSON object"),
        (b"{}\n", 1, "no header of a conversation: format is missing"),
        (b"HEADER\nnonsense\n", 2, "no JSON object"),
        (b'HEADER\n{"time": 3}\n', 2, "no turn of a conversation: gen is missing"),
        (b'HEADER\n{"correct": 2, "answer": ""}\n', 2, "no turn of a conversation: there is no turn 2 before it"),
    ],
)
def test_a_malformed_file_is_an_error_with_its_line_and_spoils_no_other(
    workspace: Workspace, content: bytes, line: int, title: str
) -> None:
    log = chat_log(workspace)
    log.add(turn("a", "1"))
    header = file_of(log).read_bytes().split(b"\n")[0]
    bad = workspace.root / "chats" / "bad.jsonl"
    bad.write_bytes(content.replace(b"HEADER", header))
    with pytest.raises(UsageError) as caught:
        read_chat(bad)
    assert (caught.value.title, caught.value.where) == (title, f"{bad}:{line}")
    assert caught.value.hint
    chats, problems = read_chats(workspace)
    assert [chat.id for chat in chats] == [file_of(log).stem]
    assert [problem.title for problem in problems] == [title]


def test_a_file_of_a_newer_version_says_so(workspace: Workspace) -> None:
    path = workspace.root / "new.jsonl"
    path.write_text('{"format": 2}\n')
    with pytest.raises(UsageError, match="a newer luna-tui wrote this"):
        read_chat(path)


def test_the_one_talked_in_last_comes_first_and_is_last(workspace: Workspace) -> None:
    old, new = chat_log(workspace), chat_log(workspace)
    old.add(turn("a", "1", time=at(0)))
    new.add(turn("b", "2", time=at(1)))
    assert find_chat(workspace, "last").turns[0].prompt == "b"
    old.add(turn("c", "3", time=at(2)))
    assert [chat.turns[0].prompt for chat in read_chats(workspace)[0]] == ["a", "b"]
    assert find_chat(workspace, "last").turns[0].prompt == "a"


def test_an_id_may_be_begun_but_not_guessed(workspace: Workspace) -> None:
    for prompt in "ab":
        chat_log(workspace).add(turn(prompt, "x"))
    assert find_chat(workspace, "20261014-101112-G3").turns[0].prompt == "a"
    assert find_chat(workspace, "20261014-101112-G3-").turns[0].prompt == "b"
    for name, why in (("2026", "begins 2 ids"), ("7", "there is no conversation"), ("", "there is no conversation")):
        with pytest.raises(UsageError, match=why):
            find_chat(workspace, name)


def test_without_any_conversation_there_is_no_last_one(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no conversation is stored here yet"):
        find_chat(workspace, "last")


def test_words_are_looked_for_in_prompts_answers_and_the_id(workspace: Workspace) -> None:
    log = chat_log(workspace)
    log.add(turn("The Ferry", "North QUAY"))
    chat = read_chat(file_of(log))
    assert [chat.contains(words) for words in ("ferry", "north quay", "g3", "pilot")] == [True, True, True, False]


def test_no_recorded_sha_is_no_error(workspace: Workspace) -> None:
    assert (sha_of(workspace, None), sha_of(workspace, 7)) == ("", "")


def at(minute: int) -> str:
    return (datetime(2026, 10, 14, 10, 0, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def test_times_are_utc_to_the_millisecond(workspace: Workspace) -> None:
    assert chat_log(workspace).time() == TIME
