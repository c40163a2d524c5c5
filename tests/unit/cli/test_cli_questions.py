"""`questions`: what is printed, what is written, and the review in a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pexpect
import pytest
from unit.cli.conftest import Run, Spawn

MANUAL = """# Manual

## Refunds

You get all of it back.

## How to land

1. Blow the horn.
2. Throw the line.
"""
ROWS = [
    {"prompt": "What about refunds?", "response": "You get all of it back."},
    {"prompt": "How do I land?", "response": "Blow the horn. Throw the line."},
]


@pytest.fixture
def manual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manual.md").write_text(MANUAL)
    return Path("manual.md")


def rows_in(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_without_a_terminal_it_only_prints(run: Run, manual: Path) -> None:
    result = run("questions", manual)
    assert result.code == 0
    for word in ("What about refunds?", "You get all of it back.", "heading", "manual.md:5", "manual.md:9"):
        assert word in result.out
    assert "2 questions proposed, nothing written: --yes accepts all" in result.err
    assert sorted(path.name for path in Path().iterdir()) == ["manual.md"]


def test_json_has_every_proposal(run: Run, manual: Path) -> None:
    found = json.loads(run("questions", manual, "--json").out)
    assert found["proposals"][0] == {**ROWS[0], "source": "manual.md:5", "rule": "heading"}
    assert (len(found["proposals"]), found["written"], found["file"]) == (2, 0, None)


def test_yes_writes_into_the_first_stage_or_the_named_one(run: Run, manual: Path, workspace: Path) -> None:
    result = run("-w", workspace, "questions", manual, "--yes")
    path = workspace.resolve() / "curriculum" / "fundamentals" / "questions-manual.jsonl"
    assert (result.code, rows_in(path)) == (
        0,
        [{**ROWS[0], "source": "manual.md:5"}, {**ROWS[1], "source": "manual.md:9"}],
    )
    assert "2 rows in" in result.err
    found = json.loads(run("-w", workspace, "questions", manual, "--yes", "--stage", "conversations", "--json").out)
    assert (found["written"], Path(found["file"]).parent.name) == (2, "conversations")


def test_a_file_is_not_replaced_unasked(run: Run, manual: Path) -> None:
    Path("q.jsonl").write_text("mine\n")
    result = run("questions", manual, "--yes", "--out", "q.jsonl")
    assert (result.code, Path("q.jsonl").read_text()) == (2, "mine\n")
    assert "--force" in result.err
    assert run("questions", manual, "--yes", "--out", "q.jsonl", "--force").code == 0
    assert len(rows_in(Path("q.jsonl"))) == 2


def test_mistakes_are_one_message_and_exit_2(run: Run, manual: Path, workspace: Path) -> None:
    for arguments, said in (
        (("none.md",), "no such file"),
        (("q.pdf",), "not a document"),
        ((manual, "--yes"), "--out FILE.jsonl"),
        ((manual, "--yes", "--list"), "one of the two"),
        ((manual, "--yes", "--out", "q.jsonl", "--stage", "x"), "give one"),
        ((manual, "--yes", "-w", workspace, "--stage", "x"), "no stage 'x'"),
        ((manual, "--yes", "--out", "q.csv"), ".jsonl"),
        ((manual, "--gguf", "none.gguf"), "none.gguf"),
    ):
        result = run("questions", *arguments)
        assert result.code == 2, arguments
        assert said in result.err, result.err
        assert "Traceback" not in result.err


def test_a_document_without_questions_is_said(run: Run, manual: Path) -> None:
    manual.write_text("Nothing to see.\n")
    result = run("questions", manual, "--yes", "--out", "q.jsonl")
    assert (result.code, result.out, Path("q.jsonl").exists()) == (0, "", False)
    assert "no question was found" in result.err


def test_what_a_document_holds_cannot_control_the_terminal(run: Run, manual: Path) -> None:
    manual.write_text("## Refunds\n\nYou get \x1bcall [bold]of it back.\n")
    assert "\x1b" not in (out := run("questions", manual).out)
    assert "[bold]of" in " ".join(out.split())


def test_in_a_terminal_the_review_opens_and_says_where_the_rows_went(spawn: Spawn, manual: Path) -> None:
    child: pexpect.spawn = spawn("play_accepted", "questions", manual, "--out", "q.jsonl", columns=100)
    child.expect("What about refunds")
    child.send("\r")
    child.expect("1 accepted")
    child.send("w")
    child.expect("1 row in")
    child.send("\x1b")
    child.expect("1 row in q.jsonl")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert rows_in(Path("q.jsonl")) == [{**ROWS[0], "source": "manual.md:5"}]
