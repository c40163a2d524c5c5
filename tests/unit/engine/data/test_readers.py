"""Every file format gives the same records, and what is broken in it is reported at its line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.data.readers import Record, read_records
from engine.data.rows import BadRow


def read(
    folder: Path, name: str, content: bytes | str, max_bytes: int = 1_000_000
) -> tuple[list[Record], list[BadRow]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = list(read_records(path, name, max_bytes))
    return [item for item in found if isinstance(item, Record)], [item for item in found if isinstance(item, BadRow)]


def texts(folder: Path, name: str, content: str) -> list[tuple[int, str]]:
    records, bad = read(folder, name, content)
    assert not bad
    return [(record.line, record.value["text"]) for record in records]  # type: ignore[index]


ROWS = [{"prompt": "a,b", "response": 'say "x"'}, {"prompt": "c\nd", "response": "é"}]


def write_parquet(folder: Path) -> bytes:
    path = folder / "made.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "\n".join(json.dumps(row) for row in ROWS)),
        ("a.JSONL", "\r\n".join(json.dumps(row) for row in ROWS) + "\r\n\r\n"),
        ("a.jsonl", "\ufeff" + "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)),
        ("a.json", json.dumps(ROWS)),
        ("a.json", "\ufeff" + json.dumps({"data": ROWS, "version": 1}, indent=1)),
        ("a.csv", 'prompt,response\n"a,b","say ""x"""\n"c\nd",é\n'),
        ("a.csv", '\ufeffPrompt, Response \r\n"a,b","say ""x"""\r\n\r\n"c\nd",é\r\n'),
    ],
)
def test_every_format_gives_the_same_records(tmp_path: Path, name: str, content: str) -> None:
    records, bad = read(tmp_path, name, content)
    assert [record.value for record in records] == ROWS
    assert bad == []


def test_parquet_gives_the_same_records(tmp_path: Path) -> None:
    records, bad = read(tmp_path, "b.parquet", write_parquet(tmp_path))
    assert [(record.line, record.value) for record in records] == [(1, ROWS[0]), (2, ROWS[1])]
    assert bad == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all, but long enough to look"])
def test_a_broken_parquet_file_is_one_bad_row(tmp_path: Path, content: bytes) -> None:
    records, bad = read(tmp_path, "b.parquet", content)
    assert records == []
    assert "not a readable Parquet file" in bad[0].reason


def test_a_truncated_parquet_file_is_a_bad_row(tmp_path: Path) -> None:
    records, bad = read(tmp_path, "b.parquet", write_parquet(tmp_path)[:-20])
    assert (len(records), len(bad)) == (0, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "x"', "malformed JSON"),
        (b"hello", "malformed JSON: Expecting value at column 1"),
        (b'{"prompt": "a\x00b", "response": "c"}', "contains a NUL byte"),
        (b'{"prompt": "\xff\xfe"}', "invalid UTF-8 at byte 13 of the line"),
        (b"[" * 100_000, "malformed JSON: nested too deeply"),
        (b"1" * 5000, "malformed JSON"),
    ],
)
def test_a_broken_line_is_reported_and_the_others_are_read(tmp_path: Path, line: bytes, reason: str) -> None:
    records, bad = read(tmp_path, "a.jsonl", b'{"text": "one"}\n' + line + b'\n{"text": "three"}\n')
    assert [record.line for record in records] == [1, 3]
    assert [(row.file, row.line) for row in bad] == [("a.jsonl", 2)]
    assert bad[0].reason.startswith(reason)
    assert len(bad[0].excerpt) <= 80


def test_a_line_of_5_mb_is_reported_and_the_next_one_read(tmp_path: Path) -> None:
    long = json.dumps({"text": "x" * 5_000_000})
    records, bad = read(tmp_path, "a.jsonl", f'{long}\n{{"text": "two"}}\n{long}')
    assert [record.line for record in records] == [2]
    assert [row.line for row in bad] == [1, 3]
    assert bad[0].reason == "the line is longer than max_line_bytes = 1000000"


@pytest.mark.parametrize(("spare", "good"), [(0, True), (1, False)])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_limit_counts_the_line_without_its_end(tmp_path: Path, spare: int, good: bool, end: str) -> None:
    line = '{"text": "' + "x" * (1000 - 12 + spare) + '"}'
    records, bad = read(tmp_path, "a.jsonl", line + end, max_bytes=1000)
    assert (len(records), len(bad)) == ((1, 0) if good else (0, 1))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"version": 1}', "expected a list of rows"),
        (b'"text"', "expected a list of rows"),
        (b'[{"text": "a"},\n]', "not JSON: malformed JSON"),
        (b"[\x00]", "not JSON: contains a NUL byte"),
    ],
)
def test_a_json_file_that_is_no_list_of_rows_is_one_bad_row(tmp_path: Path, content: bytes, reason: str) -> None:
    records, bad = read(tmp_path, "a.json", content)
    assert records == []
    assert bad[0].reason.startswith(reason)


def test_json_records_are_numbered(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "a.json", '[{"text": "a"}, 5]')
    assert [(record.line, record.value) for record in records] == [(1, {"text": "a"}), (2, 5)]


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "txt", "md"])
def test_an_empty_file_has_no_records(tmp_path: Path, suffix: str) -> None:
    assert read(tmp_path, f"a.{suffix}", "") == ([], [])
    assert read(tmp_path, f"a.{suffix}", "\ufeff\n") == ([], [])


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf16_is_read(tmp_path: Path, mark: bytes) -> None:
    encoding = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
    records, bad = read(tmp_path, "a.txt", mark + "häi".encode(encoding))
    assert [record.value for record in records] == [{"text": "häi"}]
    assert bad == []


def test_csv_columns_for_karma_and_several_answers(tmp_path: Path) -> None:
    content = 'prompt,response,karma,accept,topic\np,r,3,"[""a"", ""b""]",disk\np,r,good,a | b,\n'
    records, _ = read(tmp_path, "a.csv", content)
    assert records[0].value == {"prompt": "p", "response": "r", "karma": 3, "accept": ["a", "b"], "topic": "disk"}
    assert records[1].value == {"prompt": "p", "response": "r", "karma": "good", "accept": "a | b"}


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (
            "frage,antwort\na,b\n",
            1,
            "no column luna knows in the header (found frage, antwort): say which",
        ),
        ("prompt,response\na,b,c\n", 2, "3 cells, but the header has 2"),
        ('prompt,response\na,b\n"open,b\n', 3, "malformed CSV"),
        ('prompt,response\n"a"x,b\nc,d\n', 2, "malformed CSV"),
    ],
)
def test_a_broken_csv_row_is_reported_at_its_line(tmp_path: Path, content: str, line: int, reason: str) -> None:
    _, bad = read(tmp_path, "a.csv", content)
    assert [row.line for row in bad] == [line]
    assert bad[0].reason.startswith(reason)


def test_a_big_csv_cell_is_read_and_the_process_wide_limit_put_back(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    records, bad = read(tmp_path, "a.csv", "text\n" + "x" * 300_000 + "\n")
    assert (len(records), bad) == (1, [])
    assert csv.field_size_limit() == before


def test_paragraphs_of_a_text_are_separated_by_empty_lines(tmp_path: Path) -> None:
    content = "\ufeffone\r\nstill one\r\n \t\r\n\r\n# two, no heading here\r\n\r\nthree"
    assert texts(tmp_path, "a.txt", content) == [(1, "one\nstill one"), (5, "# two, no heading here"), (7, "three")]


def test_a_markdown_fence_stays_whole(tmp_path: Path) -> None:
    content = "Run:\n```sh\nluna\n\n\n# no heading\n~~~\n```\nand see.\n\nNext.\n\n~~~~\na\n\n~~~\n~~~~\n"
    assert texts(tmp_path, "a.md", content) == [
        (1, "Run:\n```sh\nluna\n\n\n# no heading\n~~~\n```\nand see."),
        (11, "Next."),
        (13, "~~~~\na\n\n~~~\n~~~~"),
    ]


def test_a_fence_that_is_never_closed_runs_to_the_end(tmp_path: Path) -> None:
    assert texts(tmp_path, "a.md", "```\na\n\nb\n") == [(1, "```\na\n\nb\n")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("# Disk\n\nIt turns.\n\nIt stops.\n", [(1, "# Disk\n\nIt turns."), (5, "It stops.")]),
        ("# Disk\nIt turns.\n\nB\n", [(1, "# Disk\nIt turns."), (4, "B")]),
        ("# Disk\n\n## Speed\n\n\n\nFast.\n", [(1, "# Disk\n\n## Speed\n\nFast.")]),
        ("Disk\n====\n\nIt turns.\n", [(1, "Disk\n====\n\nIt turns.")]),
        ("a\n\n# Last\n", [(1, "a"), (3, "# Last\n")]),
        ("a\n\n---\n\n* * *\nb\n", [(1, "a"), (6, "b")]),
        ("#hashtag\n\nb\n", [(1, "#hashtag"), (3, "b")]),
    ],
)
def test_a_markdown_heading_belongs_to_the_paragraph_after_it(
    tmp_path: Path, content: str, expected: list[tuple[int, str]]
) -> None:
    assert texts(tmp_path, "a.md", content) == expected


def test_a_file_that_cannot_be_read_is_one_bad_row(tmp_path: Path) -> None:
    assert list(read_records(tmp_path / "gone.jsonl", "gone.jsonl", 1000)) == [
        BadRow("gone.jsonl", 0, "the file cannot be read: No such file or directory")
    ]


@example(content=b"\x01\x8d\r\xe0", suffix="jsonl")
@given(
    content=st.binary(max_size=300),
    suffix=st.sampled_from(["jsonl", "json", "csv", "tsv", "txt", "md", "parquet", "zip", "jsonl.gz"]),
)
def test_no_bytes_whatever_make_reading_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz.{suffix}"
    path.write_bytes(content)
    for found in read_records(path, path.name, 100):
        assert found.line >= 0


@pytest.mark.parametrize(
    "line",
    [
        '{"prompt": "a", "prompt": "b", "response": "c"}',
        '{"messages": [{"role": "user", "content": "x", "role": "y"}]}',
    ],
    ids=["the row", "a turn"],
)
def test_a_key_that_stands_twice_makes_a_bad_row_not_a_silent_choice(tmp_path: Path, line: str) -> None:
    good = '{"prompt": "q", "response": "r"}'
    for name, text in (("a.jsonl", f"{line}\n{good}\n"), ("a.json", f"[{line}, {good}]")):
        path = tmp_path / name
        path.write_text(text)
        bad, kept = read_records(path, name, 1000)
        assert isinstance(bad, BadRow)
        assert bad.line == 1
        assert "twice" in bad.reason
        assert isinstance(kept, Record)


def test_a_json_document_with_its_data_twice_is_one_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"data": [], "data": [{"prompt": "q", "response": "r"}]}')
    (bad,) = read_records(path, "a.json", 1000)
    assert isinstance(bad, BadRow)
    assert bad.reason == "has the key 'data' twice"


@pytest.mark.parametrize("name", ["a.jsonl", "a.JSONL", "a.csv", "a.txt"])
def test_lines_ended_by_carriage_returns_alone_are_read(tmp_path: Path, name: str) -> None:
    lines = {
        "a.csv": ["prompt,response", "q1,r1", "q2,r2"],
        "a.txt": ["q1", "", "q2"],
    }.get(name, ['{"prompt": "q1", "response": "r1"}', '{"prompt": "q2", "response": "r2"}'])
    path = tmp_path / name
    path.write_bytes("\r".join([*lines, ""]).encode())
    found = list(read_records(path, name, 40))
    assert len(found) == 2
    assert all(isinstance(record, Record) for record in found)
