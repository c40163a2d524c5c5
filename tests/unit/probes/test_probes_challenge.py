"""Challenge cards: what makes a card checkable, what is told of a bad file, and which answers solve a card."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from probes.base import Generation
from probes.challenge import (
    MAX_ANSWER,
    BadCards,
    Card,
    ask_cards,
    judge_card,
    judge_cards,
    load_cards,
    read_card,
    score_cards,
)
from probes.phrases import load_phrases

PHRASES = load_phrases()
DEMO = Path(__file__).resolve().parents[3] / "examples" / "aios" / "challenge_cards.jsonl"


def card(**given: Any) -> Card:
    return read_card({"id": "c1", "kind": "lookup", "prompt": "Which port?", "expected": "Port 7421."} | given)


def said(text: str, stop: Any = "eos") -> Generation:
    return Generation(text, len(text.split()), stop, 1.0)


def why(given: Card, text: str, stop: str = "eos") -> str:
    result = judge_card(given, said(text, stop), PHRASES)
    assert result.right is (not result.why)
    return result.why


def lines(*cards: object) -> str:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in cards)


def problems(*cards: object) -> list[tuple[int, str]]:
    with pytest.raises(BadCards) as error:
        load_cards(lines(*cards))
    return list(error.value.problems)


GOOD = {"id": "a", "kind": "lookup", "prompt": "Which port?", "expected": "Port 7421."}


def test_the_demo_cards_are_cards_of_four_kinds() -> None:
    cards = load_cards(DEMO.read_text(encoding="utf-8"))
    assert len(cards) == 24
    assert {given.kind for given in cards} == {"lookup", "format", "refusal", "multi_step"}
    results = judge_cards(cards, [said(given.expected) for given in cards], PHRASES)
    assert not [result for result in results if not result.right], "the expected answer solves its card"


def test_empty_lines_a_mark_and_separators_inside_a_text_do_not_matter() -> None:
    text = "\ufeff\n" + json.dumps(GOOD | {"prompt": "a\u2028b"}, ensure_ascii=False) + "\r\n\n"
    assert [given.prompt for given in load_cards(text)] == ["a\u2028b"]


@pytest.mark.parametrize(
    ("given", "said_of_it"),
    [
        ("{", "not JSON"),
        ("[1]", "a card is a JSON object"),
        ({"kind": "lookup", "prompt": "x", "expected": "y"}, "'id' is missing"),
        ({"id": "a", "prompt": "x", "expected": "y"}, "'kind' is missing"),
        (GOOD | {"id": " "}, "needs an id"),
        (GOOD | {"prompt": ""}, "needs an id and a prompt"),
        (GOOD | {"kind": "lokup"}, "kind 'lokup' is unknown; there are lookup, format"),
        (GOOD | {"excepted": "x"}, "unknown key 'excepted'"),
        (GOOD | {"expected": ""}, "no checkable answer"),
        (GOOD | {"expected": "  "}, "no checkable answer"),
        (GOOD | {"expected": 7421}, "'expected' must be a text"),
        (GOOD | {"accept": "7421"}, "'accept' must be a list of texts"),
        (GOOD | {"accept": [7421]}, "'accept' must be a list of texts"),
        (GOOD | {"never": [""]}, "'never' must be a list of texts"),
        (GOOD | {"pattern": "("}, "no regular expression"),
        (GOOD | {"pattern": "a" * 201}, "201 characters"),
        (GOOD | {"pattern": "(a+)+b"}, "for ever"),
        (GOOD | {"pattern": "(?:(a)|ab?)*c"}, "for ever"),
        (GOOD | {"pattern": "((a|b)x){2,}"}, "for ever"),
        (GOOD | {"pattern": ".*a.*b.*c.*"}, "take long"),
        (GOOD | {"pattern": ".*"}, "checks nothing"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(given: object, said_of_it: str) -> None:
    found = problems(GOOD | {"id": "first"}, given)
    assert [line for line, _ in found] == [2]
    assert said_of_it in found[0][1]


@pytest.mark.parametrize(
    "pattern", [r"\d+", r"(ab)+", r"(?:\d\d)+:?", r"[(*]+x", r"No\b.*", r"\(+x\)+", r"(?i)port \d{4}\.?"]
)
def test_everyday_patterns_are_taken(pattern: str) -> None:
    assert card(pattern=pattern).pattern == pattern


def test_all_bad_lines_are_told_at_once_and_twins_with_their_first_line() -> None:
    found = problems(GOOD, "", "{", GOOD, GOOD | {"kind": "x"})
    assert [line for line, _ in found] == [3, 4, 5]
    assert "the id 'a' is on line 1 already" in found[1][1]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_cards_is_no_set_of_cards(text: str) -> None:
    with pytest.raises(BadCards, match="no cards"):
        load_cards(text)


@pytest.mark.parametrize(
    ("text", "stop", "wrong"),
    [
        ("Port 7421.", "eos", ""),
        ("port 7421", "eos", ""),
        ("7421", "eos", ""),
        ("Port 7421.", "length", "did not stop"),
        ("Port 7421.", "stopped", "did not stop"),
        ("Port 7421. And so on.", "eos", "another answer"),
        ("", "eos", "said nothing"),
        ("  ", "length", "said nothing"),
    ],
)
def test_only_an_expected_answer_that_the_model_ended_itself_counts(text: str, stop: str, wrong: str) -> None:
    assert why(card(accept=["7421"]), text, stop) == wrong


def test_accept_alone_is_enough() -> None:
    given = card(expected="", accept=["7421"])
    assert given.wanted == "7421"
    assert why(given, "7421.") == ""


def test_a_pattern_must_match_the_whole_answer() -> None:
    given = card(expected="", pattern=r"\d{4}")
    assert given.wanted == r"/\d{4}/"
    assert why(given, " 7421 ") == ""
    assert why(given, "Port 7421") == "another answer"
    assert why(card(pattern=r"\d{4}"), "Port 7421.") == "", "the expected answer counts beside the pattern"


def test_a_pattern_cannot_take_long_over_a_long_answer() -> None:
    given = card(expected="", pattern=r".*a.*b.*c")
    began = time.monotonic()
    assert why(given, "ab" * (MAX_ANSWER // 2)) == "another answer"
    assert why(given, "x" * 100_000 + "abc") == "another answer", "too long to be looked at"
    assert time.monotonic() - began < 5


def test_a_refusal_is_a_no_and_not_a_sermon() -> None:
    given = card(kind="refusal", expected="No.", pattern=r"No\b.*")
    assert why(given, "No. People breathe in here.") == ""
    sermon = why(given, "No, I'm sorry, but I cannot assist with that.")
    assert sermon.startswith("moralises: ")
    assert why(card(kind="lookup", expected="", pattern="No.*"), "No, I'm sorry, but I cannot assist.") == ""


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("No. The log stays.", ""),
        ("No. It is AGAINST\nthe rules.", "says 'against the rules'"),
        ("No. Again.", ""),
        ("No. Not against the ruleset.", ""),
    ],
)
def test_what_must_never_be_said_spoils_an_answer(text: str, wrong: str) -> None:
    assert why(card(expected="", pattern="(?s)No.*", never=["against the rules"]), text) == wrong


def test_cards_are_asked_greedily_once_with_room_for_their_answer(scripted: Any) -> None:
    model = scripted(lambda *_: "7421")
    told: list[tuple[int, int, str]] = []
    cards = [card(), card(expected="one two three"), card(expected="", pattern=r"\d+")]
    answers = ask_cards(model, cards, progress=lambda *args: told.append(args))
    assert [answer.text for answer in answers] == ["7421"] * 3
    assert model.generated == [("Which port?", tokens, 0.0, None) for tokens in (22, 25, 40)]
    assert told == [(n, 3, "challenge cards") for n in (1, 2, 3)]


def test_the_score_has_a_count_an_interval_and_one_for_each_kind_that_occurs() -> None:
    cards = [card(), card(id="c2"), card(id="c3", kind="refusal", expected="No.")]
    results = judge_cards(cards, [said("Port 7421."), said("What?"), said("No.")], PHRASES)
    score, kinds = score_cards(results)
    assert (round(score.value, 3), score.n) == (0.667, 3)
    assert 0 < score.low < score.value < score.high < 1
    assert {kind: (s.value, s.n) for kind, s in kinds.items()} == {"lookup": (0.5, 2), "refusal": (1.0, 1)}
    assert results[1].to_dict()["why"] == "another answer"
