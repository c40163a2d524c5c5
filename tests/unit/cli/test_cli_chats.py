"""`chat` stores what is said; `chats` lists, shows, exports it and puts it into the inbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chat_files import TIME, store_chat, turn
from unit.cli.cli_fakes import FakeEngine
from unit.cli.conftest import Run, Spawn
from unit.cli.test_cli_chat import piped

from engine.workspace.chats.record import StoredChat
from engine.workspace.chats.store import read_chats
from engine.workspace.layout import Workspace

FERRY = (turn("Where is the ferry?", "North quay."), turn("And now?", "There [still].\x1b[2J", fed=1))


def stored(workspace: Path) -> list[StoredChat]:
    chats, problems = read_chats(Workspace(workspace))
    assert problems == []
    return chats


def keep_ferry(workspace: Path) -> str:
    return store_chat(Workspace(workspace), *FERRY, kept=True)


def test_one_answer_is_stored_with_who_gave_it_and_how(run: Run, workspace: Path) -> None:
    run("-w", workspace, "chat", "G1", "-p", "Hello?", "--temperature", 0.7, "--seed", 3, "--top-p", 0.9)
    (chat,) = stored(workspace)
    (said,) = chat.turns
    assert (said.prompt, said.answer, said.stop_reason, said.gen, said.sha) == (
        "Hello?",
        "With what?",
        "eos",
        1,
        "1aaaaaaa",
    )
    assert chat.sampling == {"temperature": 0.7, "max_tokens": 200, "seed": 3, "top_p": 0.9}
    assert (chat.label, chat.kept, said.fed) == ("G1", False, 0)


def test_no_store_stores_nothing(run: Run, workspace: Path) -> None:
    assert run("-w", workspace, "chat", "G1", "-p", "Hello?", "--no-store").code == 0
    assert not (workspace / "chats").exists()


def test_a_pipe_is_one_conversation(workspace: Path) -> None:
    piped(workspace, "one\ntwo\nthree\n", "--keep")
    (chat,) = stored(workspace)
    assert [(t.prompt, t.fed) for t in chat.turns] == [("one", 0), ("two", 1), ("three", 2)]
    assert chat.kept


def test_a_place_that_takes_nothing_is_told_once_and_chat_goes_on(workspace: Path) -> None:
    (workspace / "chats").write_text("no folder")
    done = piped(workspace, "one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, b"With what?\nWith what?\n")
    assert done.stderr.count(b"this conversation is not stored") == 1


def test_a_stored_conversation_goes_on_with_its_turns(run: Run, workspace: Path) -> None:
    run("-w", workspace, "chat", "G1", "-p", "Hello?")
    engine = FakeEngine()
    result = run("-w", workspace, "chat", "--resume", "last", "-p", "And then?", engine=engine)
    assert result.code == 0, result.err
    assert engine.talkers[0].label == "G1"
    assert engine.talkers[0].asked[0]["prompt"] == ("Hello?", "With what?", "And then?")
    (chat,) = stored(workspace)
    assert [(t.prompt, t.fed) for t in chat.turns] == [("Hello?", 0), ("And then?", 1)]


def test_another_generation_may_go_on_with_it(run: Run, workspace: Path) -> None:
    run("-w", workspace, "chat", "G1", "-p", "Hello?")
    run("-w", workspace, "chat", "base", "--resume", "last", "-p", "And then?")
    (chat,) = stored(workspace)
    assert [t.label for t in chat.turns] == ["G1", "base"]


def test_a_chat_needs_a_generation_or_a_conversation(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "chat", "-p", "Hello?")
    assert (result.code, "Missing argument" in result.err) == (2, True)
    result = run("-w", workspace, "chat", "--resume", "last")
    assert (result.code, "no conversation is stored here yet" in result.err) == (2, True)


def test_a_terminal_begins_a_new_conversation_where_the_turns_are_dropped(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_accepted", "-w", str(workspace), "chat", "G1", "--keep")
    for line in ("one", "two", "/new", "three", "/quit"):
        child.expect("G1 > ")
        child.sendline(line)
    child.wait()
    assert sorted([t.prompt for t in chat.turns] for chat in stored(workspace)) == [["one", "two"], ["three"]]


def test_a_terminal_says_where_it_goes_on(spawn: Spawn, workspace: Path) -> None:
    name = keep_ferry(workspace)
    child = spawn("play_accepted", "-w", str(workspace), "chat", "G1", "--resume", name)
    child.expect("goes on after 2 turns, the last one: And now")
    child.expect("G1 > ")
    child.sendline("three")
    child.expect("G1 > ")
    child.sendline("/quit")
    child.wait()
    (chat,) = stored(workspace)
    assert [(t.prompt, t.fed) for t in chat.turns][2:] == [("three", 2)]


def test_list_has_id_time_generation_turns_and_first_prompt(run: Run, workspace: Path) -> None:
    name = keep_ferry(workspace)
    result = run("-w", workspace, "chats", "list")
    assert result.code == 0
    assert result.out.splitlines()[1].split(maxsplit=5) == [
        name,
        "2026-10-14",
        "10:11",
        "G3",
        "2",
        "Where is the ferry?",
    ]


def test_list_looks_for_words(run: Run, workspace: Path) -> None:
    keep_ferry(workspace)
    store_chat(Workspace(workspace), turn("Who are you?", "Luna."))
    found = json.loads(run("-w", workspace, "chats", "list", "--search", "FERRY", "--json").out)
    assert [chat["turns"][0]["prompt"] for chat in found["chats"]] == ["Where is the ferry?"]
    nothing = run("-w", workspace, "chats", "list", "--search", "submarine")
    assert (nothing.code, nothing.out) == (0, "none of 2 conversations has 'submarine' in it\n")


def test_an_empty_list_says_how_to_begin(run: Run, workspace: Path) -> None:
    assert "no conversation is stored yet" in run("-w", workspace, "chats", "list").out
    assert json.loads(run("-w", workspace, "chats", "list", "--json").out) == {"chats": [], "bad": []}


def test_a_malformed_file_is_told_beside_the_others(run: Run, workspace: Path) -> None:
    name = keep_ferry(workspace)
    (workspace / "chats" / "bad.jsonl").write_text("{}\n")
    listed = run("-w", workspace, "chats", "list")
    assert (listed.code, name in listed.out, "bad.jsonl:1" in listed.err.replace("\n", "")) == (0, True, True)
    shown = run("-w", workspace, "chats", "show", "bad")
    assert shown.code == 2
    assert "no header of a conversation" in shown.err


def test_show_is_safe_and_whole(run: Run, workspace: Path) -> None:
    name = keep_ferry(workspace)
    result = run("-w", workspace, "chats", "show", name)
    assert (result.code, "\x1b[2J" in result.out) == (0, False)
    assert "North quay." in result.out
    assert "There [still].␛[2J" in result.out
    plain = json.loads(run("-w", workspace, "chats", "show", "last", "--json").out)
    assert (plain["id"], plain["turns"][1]["fed"], plain["turns"][0]["time"]) == (name, 1, TIME)


def test_an_unknown_id_is_bad_input(run: Run, workspace: Path) -> None:
    for command in (("show",), ("export",), ("inbox",)):
        result = run("-w", workspace, "chats", *command, "7")
        assert (result.code, "there is no conversation '7'" in result.err) == (2, True)


def test_export_as_markdown_has_every_turn_and_no_control_character(run: Run, workspace: Path) -> None:
    keep_ferry(workspace)
    out = run("-w", workspace, "chats", "export", "last").out
    assert out.startswith("# Conversation with G3\n")
    assert "**you:** Where is the ferry?\n\n**G3:** North quay.\n" in out
    assert "\x1b" not in out


def test_export_as_jsonl_is_a_row_that_training_reads(run: Run, workspace: Path, tmp_path: Path) -> None:
    keep_ferry(workspace)
    out = tmp_path / "talk.jsonl"
    assert run("-w", workspace, "chats", "export", "last", "--format", "jsonl", "-o", out).code == 0
    (line,) = out.read_text().splitlines()
    assert [message["role"] for message in json.loads(line)["messages"]] == ["user", "assistant"] * 2
    assert json.loads(run("-w", workspace, "inbox", "add", out, "--json").out)["added"][0]["rows"] == 2
    again = run("-w", workspace, "chats", "export", "last", "-o", out)
    assert (again.code, "the file exists" in again.err) == (2, True)
    assert run("-w", workspace, "chats", "export", "last", "-o", out, "--force").code == 0
    assert out.read_text().startswith("# Conversation")


@pytest.mark.parametrize("form", ["jsonl", "inbox"])
def test_a_conversation_without_an_example_is_refused_with_a_way_out(run: Run, workspace: Path, form: str) -> None:
    store_chat(Workspace(workspace), turn("a", "on and on", stop_reason="length"))
    args = ("inbox", "last") if form == "inbox" else ("export", "last", "-f", "jsonl")
    result = run("-w", workspace, "chats", *args)
    assert (result.code, "no answer of it ended by itself" in result.err) == (2, True)


def test_inbox_takes_the_conversation_as_one_row(run: Run, workspace: Path) -> None:
    keep_ferry(workspace)
    result = run("-w", workspace, "chats", "inbox", "last")
    assert result.code == 0, result.err
    assert "2 answers in 1 row for the inbox" in result.out
    assert "karma 1/60" in result.out
    again = run("-w", workspace, "chats", "inbox", "last")
    assert (again.code, "in the inbox already" in again.err) == (2, True)


def test_inbox_takes_single_prompts_as_rows_of_their_own(run: Run, workspace: Path) -> None:
    store_chat(Workspace(workspace), turn("a", "1"), turn("b", "2"))
    added = json.loads(run("-w", workspace, "chats", "inbox", "last", "--json").out)
    assert added["added"] == {"rows": 2, "answers": 2, "known": 0, "left_out": 0}
