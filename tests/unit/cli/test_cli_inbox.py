"""`inbox add` and `inbox list`: what waits, what it is worth, and what goes wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tiny_models import make_tiny_gguf
from tiny_workspace import talk, write_rows
from unit.cli.conftest import Run

from engine.data.inbox import InboxRow, append_row
from engine.workspace.layout import Workspace


def test_a_file_is_copied_in_whole_and_counted(run: Run, workspace: Path, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "chats.jsonl", [*talk(6), {"prompt": "no answer"}])
    result = run("-w", workspace, "inbox", "add", source)
    assert result.code == 0, result.err
    (copied,) = (workspace / "inbox").glob("*-chats.jsonl")
    assert copied.read_bytes() == source.read_bytes()
    assert f"inbox/{copied.name}: 6 new rows" in result.out
    assert "line 7 left out" in result.out
    assert "karma 3/60 to the next generation" in result.out

    again = run("-w", workspace, "inbox", "add", source)
    assert again.code == 2
    assert "all 6 rows are in the inbox already" in again.err

    more = write_rows(tmp_path / "chats.jsonl", talk(8))
    listed = json.loads(run("-w", workspace, "inbox", "add", more, "--json").out)
    assert [(one["rows"], one["known"]) for one in listed["added"]] == [(2, 6)]
    assert listed["added"][0]["file"].endswith("-chats-2.jsonl"), "the first file is not replaced"
    assert listed["karma"]["karma"] == 4.0


def test_rows_longer_than_the_context_are_told_and_earn_nothing(run: Run, workspace: Path, tmp_path: Path) -> None:
    make_tiny_gguf(workspace / "base.gguf")
    toml = (workspace / "luna.toml").read_text()
    (workspace / "luna.toml").write_text(re.sub(r'^base = ".*"', 'base = "base.gguf"', toml, flags=re.MULTILINE))
    long = {"prompt": "Tell me all of it.", "response": "I answer. You ask. " * 400}
    source = write_rows(tmp_path / "chats.jsonl", [*talk(6), long])
    result = run("-w", workspace, "inbox", "add", source)
    assert result.code == 0, result.err
    assert ": 6 new rows\n" in result.out
    assert re.search(r"line 7 left out: \d+ tokens, longer than the context of 512\n", result.out)
    assert "karma 3/60 to the next generation · 6 rows · 1 longer than the context" in result.out

    listed = json.loads(run("-w", workspace, "inbox", "list", "--all", "--json").out)
    assert [row["state"].split(":")[0] for row in listed["rows"]] == ["waiting"] * 6 + ["left out"]
    assert (listed["karma"]["karma"], listed["karma"]["too_long"]) == (3.0, 1)

    only = write_rows(tmp_path / "long.jsonl", [{**long, "prompt": "And this?"}])
    refused = run("-w", workspace, "inbox", "add", only)
    assert refused.code == 2
    assert re.search(r"no new row can be learnt: line 1: \d+ tokens, longer than the context of 512", refused.err)
    assert "[model] context" in refused.err


def test_mistakes_are_one_message_and_leave_the_inbox_alone(run: Run, workspace: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    bad = write_rows(tmp_path / "bad.jsonl", [{"prompt": "and then?"}])
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"x")
    for path, said in (
        (tmp_path / "none.jsonl", "there is no such file"),
        (tmp_path, "a folder, not a file"),
        (empty, "no usable row"),
        (bad, "no usable row: line 1"),
        (picture, "not a data file"),
    ):
        result = run("-w", workspace, "inbox", "add", path)
        assert result.code == 2, path
        assert said in result.err
    assert not list((workspace / "inbox").glob("*.jsonl"))


def test_rows_are_listed_with_their_karma_and_their_state(run: Run, workspace: Path) -> None:
    assert "the inbox is empty" in run("-w", workspace, "inbox", "list").out
    opened = Workspace.open(workspace)
    append_row(opened, InboxRow("Who?", "Certainly!", -1, "rated", 2))
    append_row(opened, InboxRow("Who?", "\x1b[2JLuna.", 2, "corrected", 2, "Certainly!"))
    result = run("-w", workspace, "inbox", "list")
    assert "Luna." in result.out
    assert "\x1b[2J" not in result.out
    assert "Certainly!" not in result.out
    assert "1 more row done with: --all shows them" in result.out
    assert "karma 2/60 to the next generation" in result.out
    rows = json.loads(run("-w", workspace, "inbox", "list", "--all", "--json").out)["rows"]
    assert [(row["karma"], row["state"]) for row in rows] == [(-1.0, "rated down"), (2.0, "waiting")]
