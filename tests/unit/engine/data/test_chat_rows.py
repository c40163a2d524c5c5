"""A conversation as one row: its answers keep the ids they have as questions, and its JSON line gives it back."""

from __future__ import annotations

import json

import pytest

from engine.core.errors import Damaged
from engine.data.messages import Message
from engine.data.rows import Row, make_chat, make_row, prompt_group

FERRY = (
    Message("user", 'Where is the "ferry"\nmoored?'),
    Message("assistant", "North\tquay."),
    Message("user", "And the pilot bøat?"),
    Message("assistant", "No idea.", learned=False),
    Message("user", "Look again."),
    Message("assistant", "South quay."),
)


def _as_questions(turns: tuple[Message, ...]) -> list[Row]:
    return [
        make_row("\n".join(turn.text for turn in turns[:at]), turn.text)
        for at, turn in enumerate(turns)
        if turn.role == "assistant" and turn.learned and at > 0
    ]


def test_an_answers_id_is_that_of_the_question_row_with_the_whole_history() -> None:
    assert make_chat(FERRY).ids == tuple(row.id for row in _as_questions(FERRY))


def test_a_learned_answer_is_conditioned_on_all_turns_before_it() -> None:
    first, last = make_chat(FERRY).learned_answers()
    assert (first.history, first.prompt, first.text) == ((), FERRY[0].text, FERRY[1].text)
    assert (last.history, last.prompt, last.text) == (tuple(t.text for t in FERRY[:4]), "Look again.", "South quay.")
    assert [answer.history for answer in make_chat(FERRY).learned_answers(with_history=False)] == [(), ()]


def test_the_json_line_gives_the_conversation_back() -> None:
    row = make_chat(FERRY, stage="voice", topic="boats", accept=("South.",), karma=2)
    assert Row.from_json(row.to_json()) == row
    assert json.loads(row.to_json())["messages"][3] == {"role": "assistant", "content": "No idea.", "weight": 0}


def test_a_changed_turn_is_noticed() -> None:
    with pytest.raises(Damaged, match="other content"):
        Row.from_json(make_chat(FERRY).to_json().replace("South", "North"))


def test_a_conversation_of_one_exchange_is_a_question_row() -> None:
    assert make_chat(FERRY[:2], stage="voice") == make_row(FERRY[0].text, FERRY[1].text, stage="voice")


def test_an_assistant_who_speaks_first_is_history() -> None:
    row = make_chat([Message("assistant", "Ferry office."), *FERRY[:2]])
    (answer,) = row.learned_answers()
    assert (answer.history, answer.prompt, answer.text) == (("Ferry office.",), FERRY[0].text, FERRY[1].text)
    assert row.group == prompt_group("Ferry office.")


def test_turns_after_the_last_learned_answer_are_left_out() -> None:
    open_end = [*FERRY, Message("user", "Thanks."), Message("assistant", "Yes.", learned=False), Message("user", "Bye")]
    assert make_chat(open_end) == make_chat(FERRY)


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([Message("user", "a"), Message("user", "b")], "one role"),
        ([Message("user", "a"), Message("assistant", " \n ")], "empty"),
        ([Message("user", "a"), Message("assistant", "b", learned=False)], "no answer"),
        ([Message("assistant", "a")], "no answer"),
        ([], "no answer"),
    ],
)
def test_what_is_no_conversation_is_refused(turns: list[Message], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make_chat(turns)


def test_sizes_and_answers_of_every_kind() -> None:
    chat, question, text = make_chat(FERRY), make_row("a", "b"), make_row("", "c", kind="text")
    assert [row.size for row in (chat, question, text)] == [2, 1, 1]
    assert [row.answers for row in (chat, question, text)] == [("North\tquay.", "South quay."), ("b",), ()]
    assert question.ids == (question.id,)


def test_without_some_answers_they_stay_as_history() -> None:
    row = make_chat(FERRY, accept=("South.",))
    first, last = row.ids
    later = row.without({first})
    assert later is not None
    assert (later.ids, later.accept) == ((last,), ("South.",))
    assert [turn.text for turn in later.turns] == [turn.text for turn in row.turns]
    earlier = row.without({last})
    assert earlier == make_row(FERRY[0].text, FERRY[1].text)
    assert row.without({first, last}) is None
    assert row.without(set()) is row
    assert make_row("a", "b").without({"x"}) is not None


def test_the_first_answers() -> None:
    row = make_chat([*FERRY, Message("user", "Thanks."), Message("assistant", "Yes.")])
    assert row.first_answers(2) == make_chat(FERRY)
    assert row.first_answers(9) is row
