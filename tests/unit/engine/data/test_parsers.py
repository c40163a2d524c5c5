"""Five formats become one canonical row; every kind of broken row is refused with a reason a person understands."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Damaged
from engine.data.parsers import Parsed, RowProblem, parse_record
from engine.data.rows import BadRow, Row, canonical_text, excerpt, make_row, prompt_group


def parse(record: object, max_bytes: int = 1_000_000) -> Parsed:
    return parse_record(record, stage="fundamentals", source="curriculum/fundamentals/a.jsonl:1", max_bytes=max_bytes)


def one(record: object) -> Row:
    (row,) = parse(record).rows
    return row


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "What is luna?", "response": "A console."},
        {"prompt": "  What is luna?\r\n", "response": "A console.\n", "unknown": 3},
        {"messages": [{"role": "user", "content": "What is luna?"}, {"role": "assistant", "content": "A console."}]},
        {"messages": [{"role": "User", "content": "What is luna?"}, {"role": "assistant", "content": "A console."}]},
        {"conversations": [{"from": "human", "value": "What is luna?"}, {"from": "gpt", "value": "A console."}]},
        {"conversations": [{"from": "user", "value": "What is luna?"}, {"from": "assistant", "value": "A console."}]},
        {"instruction": "What is luna?", "output": "A console."},
        {"instruction": "What is luna?", "input": "", "output": "A console."},
        {"instruction": "What is luna?", "input": None, "output": "A console.", "text": "the whole, formatted"},
    ],
)
def test_every_question_format_gives_the_same_row(record: object) -> None:
    row = one(record)
    assert (row.kind, row.prompt, row.response, row.stage) == ("qa", "What is luna?", "A console.", "fundamentals")
    text = '{"prompt":"What is luna?","response":"A console."}'
    assert row.id == hashlib.sha256(text.encode()).hexdigest()


def test_alpaca_input_follows_the_instruction_on_its_own_line() -> None:
    assert one({"instruction": "Sort.", "input": "b a", "output": "a b"}).prompt == "Sort.\nb a"


def test_plain_text_is_known_by_its_text() -> None:
    row = one({"text": "The disk is round.\r\nIt turns.\n"})
    assert (row.kind, row.text, row.prompt) == ("text", "The disk is round.\nIt turns.", "")
    assert row.id == hashlib.sha256(b'{"text":"The disk is round.\\nIt turns."}').hexdigest()
    assert row.group == row.id


def test_optional_fields_are_kept() -> None:
    row = one(
        {"prompt": "p", "response": "r", "accept": ["s ", "t"], "topic": "disk", "karma": -2.5, "score": "choice"}
    )
    assert (row.accept, row.topic, row.karma, row.score) == (("s", "t"), "disk", -2.5, "choice")
    assert one({"prompt": "p", "response": "r", "accept": "s"}).accept == ("s",)
    assert one({"prompt": "p", "response": "r", "topic": "", "accept": None}).topic is None


def test_a_conversation_is_one_row_that_teaches_each_answer_after_all_turns_before_it() -> None:
    turns = [
        ("system", "Be kind."),
        ("user", "Help?"),
        ("assistant", "With what?"),
        ("user", "Disk."),
        ("assistant", "Full."),
    ]
    messages = [{"role": role, "content": text} for role, text in turns]
    parsed = parse({"messages": messages, "accept": "It is full.", "topic": "disk"})
    (row,) = parsed.rows
    assert [(answer.history, answer.prompt, answer.text) for answer in row.learned_answers()] == [
        ((), "Help?", "With what?"),
        (("Help?", "With what?"), "Disk.", "Full."),
    ]
    assert (row.accept, row.group, row.topic) == (("It is full.",), prompt_group("help"), "disk")
    assert parsed.left_out == {"system_messages": 1}


def test_turns_of_one_role_in_a_row_are_one_turn_and_an_unanswered_one_is_counted() -> None:
    turns = [("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d"), ("user", "e")]
    parsed = parse({"messages": [{"role": role, "content": text} for role, text in turns]})
    assert [(row.prompt, row.response) for row in parsed.rows] == [("a\nb", "c\nd")]
    assert parsed.left_out == {"unanswered_turns": 1}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "neither prompt nor text (found nothing)"),
        ({"frage": "q", "antwort": "a"}, "neither prompt nor text (found frage, antwort): say which is which: --map"),
        ({"prompt": "p"}, "prompt without response"),
        ({"prompt": "p", "antwort": "c"}, "prompt without response (found antwort)"),
        ({"response": "r"}, "response without prompt"),
        ({"instruction": "i"}, "instruction without response (found nothing else)"),
        ({"output": "o"}, "output without prompt (found nothing else)"),
        ({"instruction": "i", "input": 5, "output": "o"}, "input must be text, not a number"),
        ({"prompt": 3, "response": "r"}, "prompt must be text, not a number"),
        ({"prompt": "p", "response": ["r"]}, "response must be text, not a list"),
        ({"prompt": "p", "response": None}, "prompt without response"),
        ({"prompt": "", "response": "r"}, "prompt is empty"),
        ({"prompt": "p", "response": " \n"}, "response is empty"),
        ({"text": "\u00a0"}, "text is empty"),
        ({"text": {"a": 1}}, "text must be text, not an object"),
        ({"prompt": "p\0q", "response": "r"}, "prompt contains a NUL byte"),
        ({"text": "a\0"}, "text contains a NUL byte"),
        ({"prompt": "p", "response": "\ud83d"}, "response contains an unpaired surrogate"),
        ({"prompt": "p", "response": "\udcff"}, "response contains invalid UTF-8"),
        ({"prompt": "p", "response": "r", "accept": {}}, "accept must be text or a list of texts, not an object"),
        ({"prompt": "p", "response": "r", "accept": ["a", []]}, "accept must be text, not a list"),
        ({"prompt": "p", "response": "r", "accept": [""]}, "accept is empty"),
        ({"prompt": "p", "response": "r", "topic": 5}, "topic must be text, not a number"),
        ({"prompt": "p", "response": "r", "karma": "5"}, "karma must be a number, not '5'"),
        ({"prompt": "p", "response": "r", "karma": True}, "karma must be a number, not True"),
        ({"prompt": "p", "response": "r", "karma": float("nan")}, "karma must be a number, not nan"),
        ({"prompt": "p", "response": "r", "karma": 10**400}, "karma must be a number, not 10000"),
        ({"prompt": "p", "response": "r", "score": "exact"}, 'score must be "match" or "choice", not \'exact\''),
        ({"prompt": "p", "response": "r", "score": []}, 'score must be "match" or "choice", not []'),
        ({"text": "t", "accept": "u"}, "a plain text has no single right answer"),
        ({"text": "t", "score": "match"}, "a plain text has no single right answer"),
        ({"messages": "hello"}, "messages must be a list of turns, not text"),
        ({"messages": []}, "messages: no user turn"),
        ({"messages": ["hello", 1]}, "messages, turn 1: expected an object, got text"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "messages, turn 1: role must be one of"),
        ({"messages": [{"content": "x"}]}, "messages, turn 1: role must be one of"),
        ({"messages": [{"role": "user"}]}, "messages, turn 1: content is missing"),
        ({"messages": [{"role": "user", "content": "x\0"}]}, "messages, turn 1: content contains a NUL byte"),
        ({"messages": [{"role": "user", "content": "x"}]}, "messages: no assistant turn, nothing to learn"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages: no user turn"),
        (
            {"messages": [{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}]},
            "messages: begins with the assistant",
        ),
        ({"conversations": [{"from": "crowd", "value": "x"}]}, "conversations, turn 1: from must be one of"),
        ("hello", "expected an object with prompt and response, got text"),
        (None, "expected an object with prompt and response, got NoneType"),
        ([1, 2], "expected an object with prompt and response, got a list"),
    ],
)
def test_a_broken_record_is_refused_with_its_reason(record: object, reason: str) -> None:
    with pytest.raises(RowProblem) as caught:
        parse(record)
    assert str(caught.value).startswith(reason)
    str(caught.value).encode("utf-8")


def test_a_record_over_the_limit_is_refused_by_its_bytes() -> None:
    with pytest.raises(RowProblem, match="longer than max_line_bytes = 1000"):
        parse({"text": "é" * 501}, max_bytes=1000)
    assert parse({"text": "é" * 500}, max_bytes=1000).rows


@given(st.text(), st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r")))
def test_the_id_forgets_line_ends_and_space_around_and_nothing_else(prompt: str, response: str) -> None:
    row = make_row(prompt, response)
    assert make_row(f"\n {prompt}\r\n", response.replace("\n", "\r\n")).id == row.id
    assert make_row(prompt, response + "x").id != row.id


def test_composed_and_decomposed_letters_are_the_same_row() -> None:
    assert make_row("cafe\u0301", "x").id == make_row("caf\u00e9", "x").id


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Can you help me?", "can you  HELP me", True),
        ("Can you help me?", "Can you help us?", False),
        ("?", "!", False),
        ("step 1", "step 2", False),
    ],
)
def test_prompts_that_differ_in_case_and_punctuation_are_one_group(left: str, right: str, same: bool) -> None:
    assert (prompt_group(left) == prompt_group(right)) is same


_words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")).filter(
    lambda text: bool(canonical_text(text))
)


@given(
    prompt=_words,
    response=_words,
    accept=st.lists(_words.map(canonical_text), max_size=3),
    topic=st.none() | _words.map(canonical_text),
    karma=st.none() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False),
    score=st.sampled_from([None, "match", "choice"]),
    turn=_words,
)
def test_a_recorded_row_reads_back_as_it_was(
    prompt: str, response: str, accept: list[str], topic: str | None, karma: float | None, score: object, turn: str
) -> None:
    group = prompt_group(canonical_text(turn))
    row = make_row(
        prompt, response, accept=tuple(accept), topic=topic, karma=karma, score=score, stage="s", group=group
    )  # type: ignore[arg-type]
    line = row.to_json()
    assert "\n" not in line
    assert Row.from_json(line) == row
    assert Row.from_json(line).to_json() == line


def test_a_recorded_row_does_not_depend_on_where_it_was_read() -> None:
    here = make_row("p", "r", stage="s", source="/one/machine/a.jsonl:1")
    there = make_row("p", "r", stage="s", source="other/b.csv:7")
    assert here.to_json() == there.to_json()
    assert json.loads(here.to_json()) == {"id": here.id, "kind": "qa", "prompt": "p", "response": "r", "stage": "s"}


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"kind":"qa"}', '{"kind":"qa","prompt":3,"response":"r","stage":"s"}']
)
def test_a_recorded_line_that_is_no_row_is_damage(line: str) -> None:
    with pytest.raises(Damaged):
        Row.from_json(line, source="generations/0/data/new.jsonl:1")


def test_a_recorded_row_whose_text_was_changed_is_damage() -> None:
    line = make_row("p", "right", stage="s").to_json().replace("right", "wrong")
    with pytest.raises(Damaged, match="other content than its id says"):
        Row.from_json(line)


@given(st.text())
def test_an_excerpt_is_short_and_can_be_printed(text: str) -> None:
    short = excerpt(text)
    assert len(short) <= 80
    assert all(mark.isprintable() for mark in short)


def test_a_bad_row_reads_like_a_compiler_message() -> None:
    assert (
        str(BadRow("a.jsonl", 3, "prompt is empty", '{"prompt": ""}')) == 'a.jsonl:3: prompt is empty · {"prompt": ""}'
    )
