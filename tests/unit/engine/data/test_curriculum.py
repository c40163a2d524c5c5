"""A curriculum folder read in the order that counts, with everything left out counted and told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum, natural_key, read_curriculum, read_files
from engine.data.read_rules import ReadRules

STAGES = ("fundamentals", "manual", "conversations")


def write(root: Path, name: str, *rows: object) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def qa(prompt: str, response: str = "r") -> dict[str, str]:
    return {"prompt": prompt, "response": response}


def prompts(curriculum: Curriculum) -> list[str]:
    return [row.prompt for row in curriculum.rows]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "curriculum"


def test_rows_come_by_stage_then_file_in_natural_order_then_line(root: Path) -> None:
    write(root, "conversations/a.jsonl", qa("c1"))
    write(root, "manual/part10.jsonl", qa("m3"))
    write(root, "manual/part2.jsonl", qa("m1"), qa("m2"))
    write(root, "fundamentals/sub/a.jsonl", qa("f3"))
    write(root, "fundamentals/B.jsonl", qa("f2"))
    write(root, "fundamentals/a.jsonl", qa("f1"))
    curriculum = read_curriculum(root, STAGES)
    assert prompts(curriculum) == ["f1", "f2", "f3", "m1", "m2", "m3", "c1"]
    assert curriculum.counts == {"fundamentals": 3, "manual": 3, "conversations": 1}
    assert curriculum.rows[4].source == "curriculum/manual/part2.jsonl:2"
    assert [row.prompt for row in curriculum.of_stage("manual")] == ["m1", "m2", "m3"]


def test_the_order_of_the_stages_is_the_configured_one(root: Path) -> None:
    for stage in STAGES:
        write(root, f"{stage}/a.jsonl", qa(stage))
    assert prompts(read_curriculum(root, STAGES[::-1])) == list(STAGES[::-1])


def test_the_same_content_twice_is_kept_once_and_told(root: Path) -> None:
    write(root, "fundamentals/a.jsonl", qa("one"), qa("two"))
    write(root, "manual/a.jsonl", qa(" one "), qa("three"))
    curriculum = read_curriculum(root, STAGES)
    assert prompts(curriculum) == ["one", "two", "three"]
    (twin,) = curriculum.duplicates
    assert (twin.source, twin.first) == ("curriculum/manual/a.jsonl:1", "curriculum/fundamentals/a.jsonl:1")


def test_bad_rows_are_counted_with_file_and_line_and_do_not_stop_the_rest(root: Path) -> None:
    path = write(root, "fundamentals/a.jsonl", qa("one"), {"question": "x"}, {"prompt": 3, "response": "r"})
    with path.open("ab") as file:
        file.write(b'{"prompt": "\xff", "response": "r"}\n{"prompt": "nul\\u0000", "response": "r"}\n')
    write(root, "fundamentals/b.jsonl", qa("two"))
    curriculum = read_curriculum(root, STAGES)
    assert prompts(curriculum) == ["one", "two"]
    assert [(row.file, row.line, row.reason) for row in curriculum.bad] == [
        ("curriculum/fundamentals/a.jsonl", 2, "question without response (found nothing else)"),
        ("curriculum/fundamentals/a.jsonl", 3, "prompt must be text, not a number"),
        ("curriculum/fundamentals/a.jsonl", 4, "invalid UTF-8 at byte 13 of the line"),
        ("curriculum/fundamentals/a.jsonl", 5, "prompt contains a NUL byte"),
    ]
    assert [(file.name, file.rows, file.bad) for file in curriculum.files] == [
        ("curriculum/fundamentals/a.jsonl", 1, 4),
        ("curriculum/fundamentals/b.jsonl", 1, 0),
    ]
    with pytest.raises(UsageError, match="4 bad rows") as caught:
        curriculum.refuse_bad()
    assert "curriculum/fundamentals/a.jsonl:2: question without response" in caught.value.title


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv"])
def test_invalid_utf8_in_a_document_costs_its_own_row_only(root: Path, name: str) -> None:
    folder = root / "fundamentals"
    folder.mkdir(parents=True)
    head = b"text\n" if name.endswith("csv") else b""
    (folder / name).write_bytes(head + b"good\n\nb\xffd\n\nalso good\n")
    curriculum = read_curriculum(root, STAGES)
    assert [row.text for row in curriculum.rows] == ["good", "also good"]
    assert [row.reason for row in curriculum.bad] == ["text contains invalid UTF-8"]


def test_a_paragraph_over_the_limit_is_a_bad_row(root: Path) -> None:
    folder = root / "fundamentals"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("x" * 1001 + "\n\nshort\n")
    curriculum = read_curriculum(root, STAGES, rules=ReadRules(max_line_bytes=1000))
    assert [row.text for row in curriculum.rows] == ["short"]
    assert curriculum.bad[0].reason == "longer than max_line_bytes = 1000"


def test_what_is_not_read_is_listed(root: Path) -> None:
    write(root, "fundamentals/a.jsonl", qa("one"))
    write(root, "fundamentals/b.jsonl.bak", qa("two"))
    write(root, "fundamentals/.hidden.jsonl", qa("three"))
    write(root, "fundamentals/.git/c.jsonl", qa("four"))
    write(root, "fundamental/d.jsonl", qa("five"))
    write(root, "loose.jsonl", qa("six"))
    (root / "manual").mkdir()
    (root / "manual" / "empty.jsonl").touch()
    curriculum = read_curriculum(root, STAGES)
    assert prompts(curriculum) == ["one"]
    assert set(curriculum.ignored) == {
        "curriculum/loose.jsonl",
        "curriculum/fundamentals/b.jsonl.bak",
        "curriculum/fundamentals/.hidden.jsonl",
        "curriculum/fundamentals/.git/",
    }
    assert curriculum.notes == (
        "curriculum/fundamental is not one of [curriculum] stages and was not read (did you mean fundamentals?)",
        "curriculum/manual/empty.jsonl is empty",
        "stage conversations has no folder curriculum/conversations",
    )


def test_pipes_and_folder_loops_are_not_entered(root: Path) -> None:
    write(root, "fundamentals/a.jsonl", qa("one"))
    os.mkfifo(root / "fundamentals" / "pipe.jsonl")
    (root / "fundamentals" / "loop").symlink_to(root, target_is_directory=True)
    curriculum = read_curriculum(root, STAGES)
    assert prompts(curriculum) == ["one"]
    assert sorted(curriculum.ignored) == ["curriculum/fundamentals/loop/", "curriculum/fundamentals/pipe.jsonl"]


def test_a_file_name_that_is_not_utf8_can_still_be_told(root: Path) -> None:
    write(root, "fundamentals/a.jsonl", qa("one"))
    Path(os.fsdecode(os.fsencode(root / "fundamentals") + b"/b\xff.jsonl")).write_text('{"prompt": 1}')
    for row in read_curriculum(root, STAGES).bad:
        str(row).encode("utf-8")
        assert row.file == "curriculum/fundamentals/b?.jsonl"


def test_system_messages_are_counted(root: Path) -> None:
    messages = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user")]
    write(root, "conversations/a.jsonl", {"messages": messages})
    curriculum = read_curriculum(root, STAGES)
    assert (curriculum.left_out["system_messages"], curriculum.left_out["unanswered_turns"], len(curriculum.rows)) == (
        1,
        1,
        1,
    )
    assert curriculum.to_dict()["system_messages"] == 1


def test_a_missing_curriculum_names_the_stages_to_make(root: Path) -> None:
    with pytest.raises(UsageError, match="no such folder") as caught:
        read_curriculum(root, STAGES)
    assert "fundamentals, manual, conversations" in caught.value.hint


def test_an_empty_curriculum_is_refused_with_its_notes(root: Path) -> None:
    (root / "fundamentals").mkdir(parents=True)
    with pytest.raises(UsageError, match="the curriculum is empty") as caught:
        read_curriculum(root, STAGES)
    assert "stage manual has no folder curriculum/manual" in caught.value.title
    assert caught.value.exit_code == 2


def test_a_curriculum_of_bad_rows_only_shows_them(root: Path) -> None:
    write(root, "fundamentals/a.jsonl", *[{"question": str(number)} for number in range(9)])
    with pytest.raises(UsageError, match="no row can be learnt, 9 bad rows") as caught:
        read_curriculum(root, STAGES)
    assert "… and 4 more" in caught.value.title


def test_data_files_and_folders_are_read_as_one_stage(tmp_path: Path) -> None:
    one, folder = write(tmp_path, "one.jsonl", qa("a")), tmp_path / "more"
    write(folder, "2.jsonl", qa("c"))
    write(folder, "1.jsonl", qa("b"), qa("a"))
    found = read_files([one, folder], "conversations")
    assert prompts(found) == ["a", "b", "c"]
    assert {row.stage for row in found.rows} == {"conversations"}
    assert len(found.duplicates) == 1


def test_data_below_a_stage_folder_belongs_to_that_stage(tmp_path: Path) -> None:
    write(tmp_path, "data/conversations/a.jsonl", qa("c"))
    write(tmp_path, "data/manual/deep/a.jsonl", qa("m"))
    write(tmp_path, "data/other/a.jsonl", qa("x"))
    file = write(tmp_path, "fundamentals/a.jsonl", qa("f"))
    found = read_files([tmp_path / "data", file], "conversations", stages=STAGES)
    assert [(row.prompt, row.stage) for row in found.rows] == [
        ("f", "fundamentals"),
        ("m", "manual"),
        ("c", "conversations"),
        ("x", "conversations"),
    ]


def test_a_data_path_that_does_not_exist_suggests_the_near_one(tmp_path: Path) -> None:
    write(tmp_path, "batch2.jsonl", qa("a"))
    with pytest.raises(UsageError, match="no such file or folder") as caught:
        read_files([tmp_path / "batch.jsonl"], "conversations")
    assert "batch2.jsonl" in caught.value.hint
    assert read_files([tmp_path / "inbox"], "conversations", missing_ok=True).rows == ()


def test_a_data_file_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a data file") as caught:
        read_files([write(tmp_path, "a.xlsx", qa("a"))], "conversations")
    assert ".parquet" in caught.value.hint


@given(st.lists(st.text(max_size=6), unique=True, max_size=8))
def test_natural_order_is_a_total_order(names: list[str]) -> None:
    backwards = list(reversed(names))
    assert sorted(backwards, key=natural_key) == sorted(names, key=natural_key)


def test_natural_order_counts_numbers_as_numbers() -> None:
    names = ["part10", "part2", "Part1", "part02", "10", "9", "a"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "Part1", "part02", "part2", "part10"]


def test_a_linked_folder_inside_a_stage_is_read_and_told(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(root, "fundamentals/a.jsonl", qa("one"))
    (elsewhere / "b.jsonl").write_text(json.dumps(qa("two")) + "\n")
    (root / "fundamentals" / "more").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "again").symlink_to(elsewhere, target_is_directory=True)
    curriculum = read_curriculum(root, STAGES)
    assert prompts(curriculum) == ["one", "two"]
    assert "curriculum/fundamentals/more is a link; the folder it leads to was read" in curriculum.notes
    assert "curriculum/fundamentals/more/again/" in curriculum.ignored
    assert not curriculum.duplicates


def test_a_folder_that_cannot_be_read_is_a_bad_row(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "fundamentals/a.jsonl", qa("one"))
    (root / "fundamentals" / "shut").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    curriculum = read_curriculum(root, STAGES)
    assert [str(row) for row in curriculum.bad] == [
        "curriculum/fundamentals/shut:0: the folder cannot be read: Permission denied"
    ]


def test_a_pipe_given_as_data_is_told_as_one_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(UsageError, match="a pipe or a device") as caught:
        read_files([tmp_path / "pipe.jsonl"], "talk")
    assert "save it as a file" in caught.value.hint
