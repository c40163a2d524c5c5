"""Files as people hold them: each gives the right rows, and says what was left out or assumed."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.curriculum import Curriculum, read_files
from engine.data.formats.fields import KNOWN
from engine.data.left_out import left_out_lines
from engine.data.parsers import RowProblem, parse_record
from engine.data.read_rules import ReadRules
from engine.data.rows import Row

CASES = Path(__file__).parents[3] / "data" / "formats"
FERRY = (("Where is the ferry moored?", "North quay."),)
BELL = (("Who keeps the ferry bell?", "Old Tamsin."),)


def learned(read: Curriculum) -> tuple[tuple[str, ...], ...]:
    """Every learned answer: the turns it is conditioned on, the prompt, the answer."""
    return tuple((*one.history, one.prompt, one.text) for row in read.rows for one in row.learned_answers())


def told(read: Curriculum) -> list[str]:
    return [
        *read.notes,
        *left_out_lines(read.left_out, read.marker),
        *(f"{bad.line}: {bad.reason}" for bad in read.bad),
    ]


CASE_FILES = [
    ("conversations-role-content.jsonl", BELL, ""),
    ("messages-from-value.jsonl", BELL, ""),
    (
        "tool-turns.jsonl",
        (
            ("How deep is the quay?", "Seven metres."),
            ("How deep is the quay?", "Seven metres.", "And the pier?", "Four."),
        ),
        "2 turns that carry no speech",
    ),
    ("content-parts.jsonl", FERRY, ""),
    ("developer-and-model-roles.jsonl", FERRY, "1 system message"),
    ("one-empty-answer.jsonl", FERRY, "1 empty answer left out"),
    (
        "weight-zero.jsonl",
        (("Where is the ferry moored?", "No idea, sorry!", "Look again.", "North quay."),),
        "1 answer marked not to be learned",
    ),
    ("assistant-first.jsonl", (("Ferry office.", "Where is the ferry moored?", "North quay."),), ""),
    ("question-answer.jsonl", FERRY, ""),
    (
        "instruction-response-context.jsonl",
        (("Where is the ferry moored?\nThe ferry is moored at the north quay.", "North quay."),),
        "",
    ),
    ("single-object.json", FERRY, ""),
    ("lines-named.json", (*FERRY, *BELL), "lines-named.json holds lines of JSON, not one document; read anyway"),
    ("semicolons.csv", (*FERRY, ("Who keeps; the bell?", "Old Tamsin.")), "semicolons.csv is separated by semicolons"),
    ("windows-1252.csv", (("Wo ist die Fähre?", "Am „Nordkai“."),), "windows-1252.csv is not UTF-8: read as cp1252"),
    ("number-answer.jsonl", (("How many berths?", "12"),), ""),
    ("code-answer.jsonl", (("Indent the body.", "    return depth\n    # done"),), ""),
    ("system-beside.jsonl", FERRY, "1 system message"),
    ("markers-in-text.jsonl", (), "2 rows with control markers left out, such as <|im_start|> in "),
    ("chat-export.json", FERRY, "1 branch not taken"),
]


@pytest.mark.parametrize(("name", "rows", "said"), CASE_FILES, ids=[case[0] for case in CASE_FILES])
def test_a_case_gives_its_rows(name: str, rows: tuple[tuple[str, ...], ...], said: str) -> None:
    read = read_files([CASES / name], "talk")
    assert learned(read) == rows
    found = told(read)
    assert (found == []) if not said else (said in "\n".join(found)), found
    assert read.bad == ()


def test_markers_are_learned_where_the_person_says_so() -> None:
    read = read_files([CASES / "markers-in-text.jsonl"], "talk", rules=ReadRules(markers="keep"))
    assert len(read.rows) == 2
    assert told(read) == []
    left_out = told(read_files([CASES / "markers-in-text.jsonl"], "talk"))
    assert '[curriculum] markers = "keep"' in left_out[0]
    assert "the model would learn to write it as text" in left_out[0]


def messages(*said: tuple[str, object], **more: object) -> dict[str, object]:
    return {"messages": [{"role": role, "content": text} for role, text in said], **more}


ONE = {"role": "user", "content": "Where is the ferry moored?"}, {"role": "assistant", "content": "North quay."}

SPELLINGS: list[object] = [
    {"dialogue": [{"speaker": "Customer", "text": ONE[0]["content"]}, {"speaker": "AGENT", "text": "North quay."}]},
    {"turns": [{"from": "user", "content": ONE[0]["content"]}, {"role": "bot", "value": "North quay."}]},
    {"conversation": [[ONE[0]["content"], "North quay."]]},
    {"dialog": [ONE[0]["content"], "North quay."]},
    list(ONE),
    {"prompt": [ONE[0]], "completion": [ONE[1]]},
    {"prompt": [ONE[0]], "chosen": [ONE[1]], "rejected": [{"role": "assistant", "content": "Nowhere."}]},
    {"instruction": ONE[0]["content"], "input": "", "output": "North quay.", "history": []},
    {"query": ONE[0]["content"], "reply": "North quay."},
    {"input": ONE[0]["content"], "output": "North quay."},
    {"question": ONE[0]["content"], "answers": {"text": ["North quay."], "answer_start": [3]}},
    {"prompt": ONE[0]["content"], "completion": " North quay."},
    {"Question": ONE[0]["content"], "Answer": "North quay."},
    {"Messages": [{"Role": "User", "Content": ONE[0]["content"]}, {"Role": "Assistant", "Content": "North quay."}]},
    {"question": ONE[0]["content"], "answer": "North quay.", "text": "The whole page.", "examples": [1]},
    {"chat_messages": [{"sender": "human", "text": ONE[0]["content"]}, {"sender": "assistant", "text": "North quay."}]},
    messages(("user", [{"type": "text", "text": ONE[0]["content"]}]), ("assistant", {"parts": ["North quay."]})),
    messages(("user", ONE[0]["content"]), ("assistant", [{"type": "output_text", "text": "North quay."}])),
]


@pytest.mark.parametrize("record", SPELLINGS, ids=[f"{n} {str(r)[:30]}" for n, r in enumerate(SPELLINGS)])
def test_every_spelling_is_the_same_question(tmp_path: Path, record: object) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record) + "\n")
    read = read_files([path], "talk")
    assert learned(read) == FERRY
    assert told(read) == []


LEFT_OUT: list[tuple[object, tuple[tuple[str, ...], ...], str]] = [
    (messages(("user", "a"), ("assistant", "b"), ("user", "c\0"), ("assistant", "d"), ("user", "e"),
              ("assistant", "f")),
     (("a", "b"), ("a", "b", "e", "f")), "2 turns that cannot be read"),
    (messages(("user", "a"), ("assistant", None), ("user", "b"), ("assistant", "c")),
     (("a\nb", "c"),), "1 empty answer"),
    (messages(("user", "a"), ("assistant", 12), ("user", "b"), ("assistant", False)),
     (("a", "12"), ("a", "12", "b", "false")), ""),
    (messages(("system", "Be kind."), ("user", "a"), ("system", "And brief."), ("assistant", "b")),
     (("a", "b"),), "2 system messages"),
    (messages(("user", [{"type": "image_url", "image_url": {"url": "x"}}]), ("assistant", "A cat."), ("user", "a"),
              ("assistant", "b")), (("a", "b"),), "1 part that is no text"),
    (messages(("user", "a"), ("assistant", [{"type": "tool_use", "name": "f"}]),
              ("user", [{"type": "tool_result", "content": "7"}]), ("assistant", "b")),
     (("a", "b"),), "2 turns that carry no speech"),
    ({"messages": [ONE[0], {**ONE[1], "train": False}, *messages(("user", "c"), ("gpt", "d"))["messages"]]},  # type: ignore[misc]
     (("Where is the ferry moored?", "North quay.", "c", "d"),), "1 answer marked not to be learned"),
    (messages(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d<|im_end|>")),
     (("a", "b"),), "1 turn with control markers left out, such as <|im_end|>"),
    (messages(("user", "a"), ("assistant", "b"), ("user", "c")), (("a", "b"),), "1 turn without an answer"),
    ({"prompt": "a", "response": "b", "system": "Be kind."}, (("a", "b"),), "1 system message"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "rows", "said"), LEFT_OUT)
def test_what_cannot_be_learned_costs_no_more_than_itself(
    tmp_path: Path, record: object, rows: tuple[tuple[str, ...], ...], said: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record) + "\n")
    read = read_files([path], "talk")
    assert learned(read) == rows
    assert said in "\n".join(told(read)), told(read)


def node(role: str, text: str, parent: str | None, *children: str, **more: object) -> dict[str, object]:
    message = {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}, **more}
    return {"message": message, "parent": parent, "children": list(children)}


def test_of_a_chat_export_the_branch_that_was_kept_is_learned_without_what_was_no_speech(tmp_path: Path) -> None:
    tree = {
        "root": {"message": None, "parent": None, "children": ["sys"]},
        "sys": node("system", "", "root", "u"),
        "u": node("user", "Where?", "sys", "old", "call"),
        "old": node("assistant", "Nowhere.", "u"),
        "call": node("assistant", "search()", "u", "tool", recipient="browser"),
        "tool": node("tool", "result", "call", "said"),
        "said": node("assistant", "North quay.", "tool", "u2"),
        "u2": node("user", "Thanks.", "said"),
    }
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"title": "t", "mapping": tree, "current_node": "u2"}, {"mapping": tree}]))
    read = read_files([path], "talk")
    assert learned(read) == (("Where?", "North quay."),), "without current_node the newest branch is the same"
    assert read.left_out["branches_not_taken"] == 2
    assert read.left_out["turns_without_speech"] == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "question\tanswer\nWhere is the ferry moored?\tNorth quay.\n"),
        ("a.csv", "question|answer\nWhere is the ferry moored?|North quay.\n"),
        ("a.csv", 'id,messages\n1,"[{""role"":""user"",""content"":""Where is the ferry moored?""},{""role"":""bot"",'
                  '""content"":""North quay.""}]"\n'),
        ("a.ndjson", '{"q": "Where is the ferry moored?", "a": "North quay."}\n'),
        ("a.jsonl", json.dumps([{"q": "Where is the ferry moored?", "a": "North quay."}], indent=1)),
        ("a.jsonl", json.dumps({"q": "Where is the ferry moored?", "a": "North quay."}, indent=1)),
        ("a.json", json.dumps({"conversations": [list(ONE)]})),
        ("a.json", json.dumps({"conversations": list(ONE)})),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", ["", "gz", "zip"])
def test_files_of_every_kind_packed_or_not(tmp_path: Path, name: str, content: str, packed: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    if packed == "gz":
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress(content.encode()))
    elif packed == "zip":
        path = tmp_path / "all.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"folder/{name}", content)
            archive.writestr(f"__MACOSX/folder/._{name}", b"\x00")
            archive.writestr("folder/picture.png", b"\x89PNG")
    read = read_files([path], "talk")
    assert learned(read) == FERRY
    assert read.bad == ()
    if packed == "zip":
        assert read.rows[0].source.startswith(f"{path}!folder/{name}:")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.zip", b"PK\x03\x04 no archive", "not a readable archive"),
        ("a.jsonl.gz", b"no gzip", "the file cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"q": "a", "a": "b"}' * 9)[:-9], "the file cannot be read"),
    ],
    ids=["no archive", "no gzip", "cut short"],
)
def test_a_broken_packed_file_is_a_bad_row(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    read = read_files([path], "talk")
    assert read.rows == ()
    assert reason in read.bad[0].reason


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig", "cp1251", "shift_jis"])
def test_other_encodings_are_read_and_told(tmp_path: Path, encoding: str) -> None:
    text = {
        "cp1251": "Где стоит паром? Паром стоит у северного причала, а колокол хранит старая Тамсин.",
        "shift_jis": "渡し船はどこに泊まっていますか。北の埠頭に泊まっています。鐘はタムシンが守ります。",
    }.get(encoding, "Wo liegt die Fähre? Am Nordkai, bei Frau Müßig.")
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    read = read_files([path], "talk")
    assert [row.text for row in read.rows] == [text]
    assert bool(read.notes) == (encoding != "utf-8-sig")


def test_a_table_with_unknown_columns_shows_them_and_how_to_map_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Frage,Antwort\nWhere is the ferry moored?,North quay.\n")
    (bad,) = read_files([path], "talk").bad
    assert "found frage, antwort" in bad.reason
    assert "--map prompt=frage --map response=antwort" in bad.reason
    for columns in ({"prompt": "Frage", "response": "Antwort"}, {"prompt": "frage", "response": "antwort"}):
        assert learned(read_files([path], "talk", rules=ReadRules(columns=columns))) == FERRY


def test_columns_are_mapped_in_records_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"frage": "Where is the ferry moored?", "antwort": "North quay."}\n')
    assert (
        learned(read_files([path], "talk", rules=ReadRules(columns={"prompt": "frage", "response": "antwort"})))
        == FERRY
    )


@pytest.mark.parametrize(("written", "answer"), [("12", "12"), ("0.10", "0.10"), ("1e3", "1e3"), ("true", "true")])
def test_numbers_are_answers_as_they_are_written(tmp_path: Path, written: str, answer: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"prompt": "How many?", "response": {written}}}\n')
    assert learned(read_files([path], "talk")) == (("How many?", answer),)


@pytest.mark.parametrize(
    "record", [{"user": "bob", "text": "A law."}, {"text": "A law.", "target": 1}, {"text": "A law.", "answer": "B"}]
)
def test_a_text_with_something_beside_it_stays_a_text(tmp_path: Path, record: object) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record) + "\n")
    (row,) = read_files([path], "talk").rows
    assert (row.kind, row.text) == ("text", "A law.")


def test_one_record_in_a_json_file_is_one_record_whatever_lists_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"prompt": ONE[0]["content"], "response": "North quay.", "examples": [{"text": "x"}]}))
    assert learned(read_files([path], "talk")) == FERRY


TURN_NAMES = (
    "role",
    "from",
    "value",
    "message",
    "author",
    "parts",
    "type",
    "weight",
    "tool_calls",
    "parent",
    "children",
)
NAMES = [*sorted(KNOWN), *TURN_NAMES, "current_node", "system", "accept", "karma", "score", "topic"]
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats()
VALUES = st.recursive(
    LEAVES | st.sampled_from(["", "a", "user", "assistant", "\0", "n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(record=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4) | VALUES)
@settings(max_examples=400)
def test_no_record_whatever_makes_parsing_fail_without_a_reason(record: object) -> None:
    try:
        parsed = parse_record(record, stage="talk", source="a.jsonl:1")
    except RowProblem:
        return
    for row in parsed.rows:
        assert all(text.strip() for text in row.texts)
        assert Row.from_json(row.to_json()).id == row.id
