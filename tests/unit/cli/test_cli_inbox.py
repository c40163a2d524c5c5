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


def test_the_rows_of_a_file_come_in_and_are_counted(run: Run, workspace: Path, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "chats.jsonl", [*talk(6), {"prompt": "no answer"}])
    result = run("-w", workspace, "inbox", "add", source)
    assert result.code == 0, result.err
    (copied,) = (workspace / "inbox").glob("*-chats.jsonl")
    assert [json.loads(line) for line in copied.read_text().splitlines()] == talk(6)
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
    (folder := tmp_path / "pictures").mkdir()
    (folder / "dog.png").write_bytes(b"x")
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"x")
    for path, said in (
        (tmp_path / "none.jsonl", "there is no such file"),
        (folder, "no usable row"),
        (empty, "no usable row"),
        (bad, "no usable row: line 1"),
        (picture, "not a data file"),
    ):
        result = run("-w", workspace, "inbox", "add", path)
        assert result.code == 2, path
        assert said in result.err
    assert not list((workspace / "inbox").glob("*.jsonl"))


def test_a_folder_is_previewed_and_comes_in_each_row_once(run: Run, workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    write_rows(folder / "a.jsonl", talk(3))
    long = "The harbour opens when the bell has rung twice and the mate has looked at the sky for a while"
    rows = [{"prompt": "When does it open?", "response": f"{long}, at 6."}]
    rows += [{"prompt": "When does it open", "response": f"{long}; at 6"}, {**rows[0], "response": f"{long}, at 7."}]
    write_rows(folder / "b.jsonl", [*talk(3), *rows])
    previewed = run("-w", workspace, "inbox", "add", folder, "--dry-run")
    assert previewed.code == 0, previewed.err
    assert "5 new rows" in previewed.out
    assert "3 rows twice in it" in previewed.out
    assert "1 near duplicate left out, such as old/b.jsonl:5, like old/b.jsonl:4" in previewed.out
    assert "nothing was written" in previewed.out
    assert not list((workspace / "inbox").glob("*.jsonl"))

    added = json.loads(run("-w", workspace, "inbox", "add", folder, "--keep-near", "--json").out)["added"]
    assert [(one["rows"], one["near_duplicates"], one["repeated"]) for one in added] == [(6, 0, 3)]
    assert [path.name[11:] for path in (workspace / "inbox").iterdir()] == ["old.jsonl"]


def test_personal_data_are_masked_only_where_asked(run: Run, workspace: Path, tmp_path: Path) -> None:
    rows = [{"prompt": "Who is it?", "response": "Jo, jo@mail.example.org, 555-123-4567."}]
    source = write_rows(tmp_path / "mails.jsonl", rows)
    masked = run("-w", workspace, "inbox", "add", source, "--redact", "--dry-run", "--region", "US")
    assert "Jo, [mail], [phone]." in masked.out
    assert "masked: 1 mail address, 1 phone number; national phone numbers of US" in masked.out
    assert run("-w", workspace, "inbox", "add", source, "--region", "US").code == 2
    assert run("-w", workspace, "inbox", "add", source, "--redact", "--region", "Mars").code == 2
    assert run("-w", workspace, "inbox", "add", source).code == 0
    (written,) = (workspace / "inbox").glob("*.jsonl")
    assert "jo@mail.example.org" in written.read_text()


def test_all_sources_come_in_or_none(run: Run, workspace: Path, tmp_path: Path) -> None:
    good = write_rows(tmp_path / "good.jsonl", talk(2))
    assert run("-w", workspace, "inbox", "add", good, tmp_path / "none.jsonl").code == 2
    assert not list((workspace / "inbox").iterdir())


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
