"""The list of exam items: what is in it, what is filtered, and how one item reads."""

from __future__ import annotations

from typing import Any

import pytest

from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.items_list import (
    Filter,
    chosen,
    draw_entry,
    draw_entry_line,
    draw_header,
    entries_of,
    marked_lines,
)


def item(number: int, *, score: float = 1.0, sets: tuple[str, ...] = ("exam:G3",), **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": f"id{number}",
        "prompt": f"What is part {number}?",
        "output": f"Part {number}.",
        "expected": f"Part {number}.",
        "score": score,
        "how": "match",
        "ms": 12.5,
        "stop_reason": "eos",
        "detail": {},
        "sets": list(sets),
    }
    return {**values, **more}


def tone(
    text: str = "With what?", *, hits: list[dict[str, Any]] | None = None, answered: bool = True
) -> dict[str, Any]:
    return {
        "probe_id": "t01",
        "prompt": "Can you help me?",
        "text": text,
        "sample": 0,
        "seed": 0,
        "hits": hits or [],
        "answered": answered,
        "stop_reason": "eos",
        "tokens": 3,
        "ms": 40.0,
    }


HELPFUL = "I'd be happy to help."
EVALUATION: dict[str, Any] = {
    "items": [
        item(1),
        item(2, score=0.0, output="Nothing."),
        item(3, sets=("qa:G1",)),
        item(4, score=0.0, sets=("exam:G0",), output=""),
    ],
    "tone": [tone(), tone(HELPFUL, hits=[{"phrase": "happy to help", "start": 7, "end": 20, "text": "happy to help"}])],
    "lost": ["id4"],
}


def prompts(which: Filter, words: str = "") -> list[str]:
    return [entry.prompt for entry in chosen(entries_of(EVALUATION), which, words, 3, 1)]


def test_failed_ones_come_first_each_kind_in_its_order() -> None:
    entries = entries_of(EVALUATION)
    assert [entry.good for entry in entries] == [False, False, False, True, True, True]
    assert [entry.prompt for entry in entries[:3]] == ["What is part 2?", "What is part 4?", "Can you help me?"]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("failed", ["What is part 2?", "What is part 4?", "Can you help me?"]),
        ("exam", ["What is part 2?", "What is part 1?"]),
        ("parent", ["What is part 3?"]),
        ("ancestors", ["What is part 4?"]),
        ("tone", ["Can you help me?", "Can you help me?"]),
        ("lost", ["What is part 4?"]),
    ],
)
def test_filters(which: Filter, expected: list[str]) -> None:
    assert prompts(which) == expected


@pytest.mark.parametrize(("words", "count"), [("part 2", 1), ("HAPPY", 1), ("nothing.", 1), ("absent", 0), ("  ", 6)])
def test_search_looks_at_prompt_answer_and_expectation(words: str, count: int) -> None:
    assert len(prompts("all", words)) == count


def test_the_header_counts_what_failed() -> None:
    head = draw_header(3, entries_of(EVALUATION), 6, "all", "", 120, UNICODE)[0].plain
    assert "2 of 4 failed" in head
    assert "1 of 2 corporate" in head


def test_a_wrong_item_shows_prompt_expectation_and_answer() -> None:
    wrong = entries_of(EVALUATION)[0]
    text = "\n".join(line.plain for line in draw_entry(wrong, 60, UNICODE))
    for part in ("✗ wrong", "What is part 2?", "Part 2.", "Nothing.", "match", "exam:G3"):
        assert part in text


def test_an_empty_answer_is_shown_as_nothing_and_a_lost_one_as_lost() -> None:
    lost = entries_of(EVALUATION)[1]
    text = "\n".join(line.plain for line in draw_entry(lost, 60, UNICODE))
    assert "(nothing)" in text
    assert "the parent had it right" in text


def test_an_answer_that_did_not_stop_says_so() -> None:
    entry = entries_of({"items": [item(1, score=0.0, stop_reason="length")]})[0]
    assert any("did not stop" in line.plain for line in draw_entry(entry, 60, UNICODE))


def test_choice_items_list_the_answers_by_likelihood() -> None:
    raw = item(1, how="choice", score=0.0, detail={"logprobs": {"Part 1.": -4.0, "Else.": -2.0}, "chosen": 1})
    entry = entries_of({"items": [raw]})[0]
    lines = [line.plain for line in draw_entry(entry, 60, UNICODE)]
    assert [line for line in lines if "-" in line][:2] == ["  -2.00  Else.", "  -4.00  Part 1."]
    assert "prefers: Else." in draw_entry_line(entry, 100, UNICODE).plain


def test_the_corporate_phrase_is_marked_where_it_stands() -> None:
    entry = next(e for e in entries_of(EVALUATION) if e.output == HELPFUL)
    lines = marked_lines(entry.output, entry.raw["hits"], 80)
    marked = "".join(
        line.plain[span.start : span.end] for line in lines for span in line.spans if span.style == "marked"
    )
    assert marked == "happy to help"
    assert any("happy to help" in line.plain for line in draw_entry(entry, 60, UNICODE))


@pytest.mark.parametrize("width", [20, 40, 79, 160])
def test_no_line_is_wider_than_asked_for(width: int) -> None:
    hostile = "\x1b]0;x\x07[bold]" + "long words " * 20
    evaluation = {
        "items": [item(1, prompt=hostile, output=hostile, expected=hostile, score=0.0)],
        "tone": [tone(hostile)],
    }
    for entry in entries_of(evaluation):
        assert draw_entry_line(entry, width, UNICODE).cell_len <= width
        for line in draw_entry(entry, width, UNICODE):
            assert "\x1b" not in line.plain
            assert line.cell_len <= max(width, 30)


def test_ascii_terminals_get_ascii() -> None:
    for entry in entries_of(EVALUATION):
        assert draw_entry_line(entry, 80, ASCII).plain.isascii()


TYPED = {
    "id": "id1",
    "habit": "both",
    "prompt": "what is part 1",
    "text": "?\nPart 1.",
    "continued": True,
    "score": 0.0,
    "how": "match",
    "stop_reason": "eos",
    "ms": 3.0,
}
AS_TYPED: dict[str, Any] = {
    "items": [item(1, as_typed=TYPED), item(2, as_typed={**TYPED, "id": "id2", "continued": False, "score": 1.0})],
    "tone": [tone(), {**tone("go\nWith what?"), "prompt": "hello", "continued": True}],
    "lost": [],
}


def test_what_goes_on_is_counted_and_a_filter_shows_it() -> None:
    entries = entries_of(AS_TYPED)
    head, keys = draw_header(3, entries, 4, "typed", "", 120, UNICODE)
    assert "2 continued" in head.plain
    assert "8 typed" in keys.plain
    assert [entry.prompt for entry in chosen(entries, "typed", "", 3, 1)] == ["hello", "What is part 1?"]


def test_the_keys_of_all_filters_fit_the_narrowest_screen() -> None:
    _, keys = draw_header(3, entries_of(AS_TYPED), 4, "typed", "", 200, UNICODE)
    assert len(keys.plain.rstrip()) <= 80


def test_an_item_shows_how_it_was_typed_and_what_came() -> None:
    (entry,) = (entry for entry in entries_of(AS_TYPED) if entry.prompt == "What is part 1?")
    line = draw_entry_line(entry, 90, UNICODE).plain
    assert "as typed goes on: ?⏎Part 1." in line
    text = "\n".join(line.plain for line in draw_entry(entry, 60, UNICODE))
    for part in ("✓ right", "✗ wrong as typed (both)", "what is part 1", "?⏎Part 1.", "finish the person's"):
        assert part in text


def test_a_tone_answer_that_goes_on_is_not_fine() -> None:
    (entry,) = (entry for entry in entries_of(AS_TYPED) if entry.prompt == "hello")
    assert not entry.good
    assert "goes on" in draw_entry(entry, 60, UNICODE)[0].plain
