"""Exam items of conversations: one an answer, with the turns before it, of which the newest are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from engine.data.messages import Message
from engine.data.rows import Row, make_chat, make_row
from engine.evaluation.context_check import newest_turns
from engine.evaluation.items import make_exams, make_items, questions
from engine.runtime.client import Runtime
from probes.base import Item
from probes.typed import as_typed_items


class WordRuntime:
    """A tokenizer with a token a word, and one for a line break."""

    def tokenize(self, texts: Sequence[str], *, on_done: Callable[[int, int], None] | None = None) -> list[list[int]]:
        return [[0] * (len(text.split()) + text.count("\n")) for text in texts]


def chat(name: str, answers: int, stage: str = "talk", first: bool = False, **more: Any) -> Row:
    said = [Message(role, f"{name} {role} {number}") for number in range(answers) for role in ("user", "assistant")]
    return make_chat([Message("assistant", "Ferry office."), *said] if first else said, stage=stage, **more)


def newest(items: Sequence[Item], limit: int) -> list[Item]:
    return newest_turns(cast("Runtime", WordRuntime()), items, limit)


def test_a_conversation_gives_an_item_for_each_answer_with_its_history() -> None:
    row = chat("a", 3)
    items = make_items([row], [row, chat("b", 3), chat("c", 3)], 4, "talk")
    assert [item.id for item in items] == list(row.ids)
    assert [(item.history, item.prompt, item.expected) for item in items] == [
        (one.history, one.prompt, one.text) for one in row.learned_answers()
    ]
    assert items[2].asked == ("a user 0", "a assistant 0", "a user 1", "a assistant 1", "a user 2")
    assert items[0].asked == "a user 0"
    assert questions(items) == items


def test_answers_of_the_same_conversation_are_no_distractors() -> None:
    row = chat("a", 3)
    for item in make_items([row], [row, chat("b", 3)], 4, "talk"):
        assert item.how == "choice"
        assert set(item.distractors) <= {f"b assistant {number}" for number in range(3)}


def test_other_wordings_are_right_for_the_last_answer_only() -> None:
    items = make_items([chat("a", 2, accept=("so",))], [chat("b", 3)], 4, "talk")
    assert [(item.how, item.accept) for item in items] == [("choice", ()), ("match", ("so",))]


def test_an_item_survives_its_json_line_and_one_without_history_reads_as_before() -> None:
    _, last = make_items([chat("a", 2)], [chat("b", 3)], 4, "talk")
    assert Item.from_dict(last.to_dict()) == last
    (plain,) = make_items([make_row("p", "r", stage="talk")], [chat("b", 3)], 4, "talk")
    assert "history" not in plain.to_dict()


def test_only_the_newest_turn_is_typed_as_people_type() -> None:
    said = [Message("user", "Where is IT?"), Message("assistant", "Here."), Message("user", "And NOW?")]
    _, last = make_items([make_chat([*said, Message("assistant", "There.")], stage="talk")], [chat("b", 3)], 4, "talk")
    ((_, typed),) = as_typed_items([last])
    assert typed.history == ("Where is IT?", "Here.")
    assert typed.prompt != "And NOW?"


def test_the_exam_holds_all_answers_held_out_and_the_qa_set_some_of_those_trained_on() -> None:
    held, trained = [chat("a", 3)], [chat("b", 4), make_row("p", "r", stage="talk")]
    exam, qa = make_exams(held, trained, [*held, *trained], 2, 4, "talk")
    assert [item.id for item in exam] == list(held[0].ids)
    assert qa[:3] == exam
    assert len(qa) == 5
    assert {item.id for item in qa[3:]} <= {id_ for row in trained for id_ in row.ids}


@pytest.mark.parametrize(
    ("limit", "kept"),
    [(1000, 8), (41, 8), (40, 6), (33, 6), (32, 4), (25, 4), (17, 2), (16, 0), (3, 0)],
)
def test_the_newest_turns_that_fit_are_kept(limit: int, kept: int) -> None:
    # A turn takes three tokens, and one more with its line break: 8 x 4 - 1, the prompt 4, the answer 4, and 2: 41.
    items = make_items([chat("a", 5)], [chat("b", 1)], 4, "talk")
    (last,) = newest(items[-1:], limit)
    assert len(last.history) == kept
    assert last.history == items[-1].history[8 - kept :]
    assert last.history[:1] in ((), (f"a user {4 - kept // 2}",))


def test_an_assistant_who_speaks_first_is_kept_where_all_fits() -> None:
    items = make_items([chat("a", 3, first=True)], [chat("b", 1)], 4, "talk")
    assert newest(items, 1000) == items
    assert newest(items[-1:], 28)[0].history[0] == "Ferry office."
    assert newest(items[-1:], 27)[0].history[0] == "a user 0"
