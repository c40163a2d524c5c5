"""The file that accepted questions go to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.errors import LunaError, UsageError
from engine.data.curriculum import read_files
from engine.data.questions.answers import Proposal
from engine.data.questions.rows_file import FileExists, questions_file, require_new, write_questions

ONE = Proposal("What is ebb?", "falling water", "m.md:3", "definition")
TWO = Proposal("What is flood?", "rising water", "m.md:4", "definition")


def test_rows_are_what_the_curriculum_reads(tmp_path: Path) -> None:
    path = tmp_path / "stage" / "questions-m.jsonl"
    write_questions(path, [ONE, TWO])
    assert json.loads(path.read_text().splitlines()[0]) == {
        "prompt": "What is ebb?",
        "response": "falling water",
        "source": "m.md:3",
    }
    read = read_files([path], "stage")
    assert [(row.prompt, row.response) for row in read.rows] == [
        ("What is ebb?", "falling water"),
        ("What is flood?", "rising water"),
    ]
    assert not read.bad


def test_the_file_is_named_after_the_documents() -> None:
    root, stages = Path("w/curriculum"), ("facts", "voice")
    assert questions_file(root, stages, "", [Path("a/m.md")]) == root / "facts" / "questions-m.jsonl"
    several = [Path("m.md"), Path("n.txt"), Path("o.md")]
    assert questions_file(root, stages, "voice", several) == root / "voice" / "questions-m-and-2-more.jsonl"
    with pytest.raises(UsageError, match="no stage 'tone'"):
        questions_file(root, stages, "tone", [Path("m.md")])


def test_a_file_is_replaced_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    write_questions(path, [ONE])
    with pytest.raises(FileExists):
        write_questions(path, [TWO])
    assert "ebb" in path.read_text()
    write_questions(path, [TWO], force=True)
    assert "ebb" not in path.read_text()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "no question was accepted"),
        ([ONE, Proposal("what is EBB", "a tide", "m.md:9", "sentence")], "two answers to one question"),
        ([Proposal("What is ebb?", " ", "m.md:9", "sentence")], "is empty"),
    ],
)
def test_what_could_not_be_learnt_is_not_written(tmp_path: Path, rows: list[Proposal], said: str) -> None:
    with pytest.raises(UsageError) as error:
        write_questions(tmp_path / "q.jsonl", rows)
    assert said in error.value.title
    assert not (tmp_path / "q.jsonl").exists()


def test_a_place_that_can_hold_no_rows_is_told(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "a folder"), (tmp_path / "q.txt", "JSONL")):
        with pytest.raises(UsageError) as error:
            require_new(path)
        assert said in error.value.title
    (tmp_path / "file").write_text("")
    with pytest.raises(LunaError, match="cannot be written"):
        write_questions(tmp_path / "file" / "q.jsonl", [ONE])
