"""How people type: which changes are made to a prompt, and which answers first go on with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.typing_habits import HABITS, as_typed, continues_prompt, typed_wording


@pytest.mark.parametrize(
    ("habit", "typed"),
    [("no mark", "What is MOTH-12"), ("lower case", "what is moth-12?"), ("both", "what is moth-12")],
)
def test_the_three_habits(habit: str, typed: str) -> None:
    assert as_typed("What is MOTH-12?", habit) == typed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompt", "typed"),
    [
        ("Really?!", "Really"),
        ("Wait…", "Wait"),
        ("Well...  ", "Well"),
        ("你好吗？", "你好吗"),
        ('What is "hush"?', 'What is "hush"'),
        ('He said "stop!"', 'He said "stop!"'),
        ("?", "?"),
        ("...", "..."),
        ("Version 1.5", "Version 1.5"),
    ],
)
def test_only_the_final_mark_goes(prompt: str, typed: str) -> None:
    assert as_typed(prompt, "no mark") == typed


def test_only_the_newest_turn_is_changed() -> None:
    assert as_typed("Where is Anna?\nOn deck.\nAnd Bo?", "both") == "Where is Anna?\nOn deck.\nand bo"


def test_quoted_code_keeps_its_case() -> None:
    assert as_typed("What does `LS_COLORS` do?", "both") == "What does `LS_COLORS` do"


def test_a_habit_that_changes_nothing_makes_room_for_one_that_does() -> None:
    wordings = {typed_wording("hello there.", f"row {n}") for n in range(50)}
    assert {text for _, text in wordings} == {"hello there"}
    assert "lower case" not in {habit for habit, _ in wordings}


def test_what_is_typed_already_stays() -> None:
    assert all(typed_wording("hello", f"row {n}")[1] == "hello" for n in range(10))


def test_every_habit_has_its_turn_and_its_share_of_items() -> None:
    assert {typed_wording("Who are You?", "row", turn)[0] for turn in range(3)} == set(HABITS)
    habits = [typed_wording("Who are You?", f"row {n}")[0] for n in range(300)]
    assert all(habits.count(habit) > 60 for habit in HABITS)


@given(st.text(), st.text(min_size=1))
def test_a_typed_prompt_is_never_empty_unless_the_prompt_was(prompt: str, key: str) -> None:
    for habit in HABITS:
        assert bool(as_typed(prompt, habit).strip()) >= bool(prompt.strip())
    assert typed_wording(prompt, key) == typed_wording(prompt, key)


@pytest.mark.parametrize("raw", ["\nWith what?", " \nWith what?", "\n\nNo.", "\r\nNo.", "", "\n", "  "])
def test_an_answer_that_opens_with_a_line_break_does_not_go_on(raw: str) -> None:
    assert not continues_prompt(raw)


@pytest.mark.parametrize("raw", [".\nWith what?", " the Threshold Law.\nTwo voices.", "?", "With what?"])
def test_an_answer_that_finishes_the_prompt_goes_on(raw: str) -> None:
    assert continues_prompt(raw)
