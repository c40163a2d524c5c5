"""The chat folded from its events."""

from __future__ import annotations

from typing import Any

from luna_tui.console.state.chat_state import ChatState, lineage_refs, reduce_chat, rival
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerRated, AnswerStarted, ConsoleEvent, PromptSent

GREEDY = {"temperature": 0.0, "max_tokens": 128, "seed": 0}


def after(*events: ConsoleEvent) -> ChatState:
    state = ChatState()
    for event in events:
        state = reduce_chat(state, event)
    return state


def rows(*parents: int | None) -> list[dict[str, Any]]:
    return [{"GEN_ID": gen, "parent_gen": parent} for gen, parent in enumerate(parents)]


def test_an_answer_grows_piece_by_piece_and_ends_with_its_figures() -> None:
    state = after(
        PromptSent(1, "Help?", ("HEAD", "base"), GREEDY),
        AnswerStarted(1, 0, "G3", 3),
        AnswerPiece(1, 0, "With "),
        AnswerPiece(1, 0, "what?"),
    )
    answer = state.turns[0].answers[0]
    assert (answer.label, answer.gen, answer.text, answer.state) == ("G3", 3, "With what?", "streaming")
    assert state.busy
    state = reduce_chat(state, AnswerEnded(1, 0, "eos", 3, 40.0, 180.0))
    assert state.turns[0].answers[0].tokens == 3
    assert state.busy, "the base has not answered yet"
    state = reduce_chat(state, AnswerEnded(1, 1, "error", problem="gone"))
    assert not state.busy
    assert state.turns[0].answers[1].problem == "gone"


def test_a_rating_finds_its_answer_among_later_turns() -> None:
    state = after(
        PromptSent(1, "one", ("G0",), GREEDY),
        AnswerEnded(1, 0, "eos"),
        PromptSent(2, "two", ("G0",), GREEDY),
        AnswerRated(1, 0, -1),
    )
    assert [turn.answers[0].karma for turn in state.turns] == [-1, None]
    state = reduce_chat(state, AnswerRated(1, 0, 1, "better"))
    assert (state.turns[0].answers[0].karma, state.turns[0].answers[0].correction) == (1, "better")


def test_events_of_a_turn_that_is_not_there_change_nothing() -> None:
    state = after(PromptSent(1, "one", ("G0",), GREEDY))
    assert reduce_chat(state, AnswerPiece(9, 0, "x")) is state
    assert reduce_chat(state, AnswerPiece(1, 5, "x")) is state


def test_the_chat_is_bounded_and_turns_keep_their_numbers() -> None:
    state = ChatState()
    for number in range(1, 302):
        assert state.next_turn == number
        state = reduce_chat(state, PromptSent(number, "p", ("G0",), GREEDY))
    assert len(state.turns) == 200
    assert state.turns[-1].turn == 301


def test_an_endless_answer_is_bounded() -> None:
    state = after(PromptSent(1, "one", ("G0",), GREEDY), *(AnswerPiece(1, 0, "x" * 90_000) for _ in range(4)))
    assert len(state.turns[0].answers[0].text) == 200_000


def test_all_are_asked_from_the_base_to_head_and_then_the_branches() -> None:
    assert lineage_refs(rows(None, 0, 1, 1), head=3) == ("base", "G0", "G1", "G3", "G2")
    assert lineage_refs([], head=None) == ("base",)
    assert lineage_refs(rows(None), head=None) == ("base", "G0"), "all rejected: they still answer"


def test_no_more_than_twelve_are_asked_and_the_way_to_head_comes_first() -> None:
    long_way = lineage_refs(rows(None, *range(29)), head=29)
    assert len(long_way) == 12
    assert long_way[:2] == ("base", "G0")
    assert long_way[-1] == "G29"
    many_branches = lineage_refs(rows(None, *[0] * 29), head=5)
    assert len(many_branches) == 12
    assert many_branches[:3] == ("base", "G0", "G5")
    assert many_branches[3:] == tuple(f"G{gen}" for gen in range(21, 30)), "the newest branches, by number"
    assert lineage_refs(rows(None, *range(10), 4), head=10) == ("base", *(f"G{gen}" for gen in range(11)))


def test_beside_a_generation_answers_the_marked_one_then_its_parent_then_whoever_is_there() -> None:
    by_gen = {row["GEN_ID"]: row for row in rows(None, 0, 1)}
    assert rival(by_gen, 2, (0, 2), head=2) == "G0"
    assert rival(by_gen, 2, (0, None), head=2) == "base"
    assert rival(by_gen, 2, (2,), head=2) == "G1"
    assert rival(by_gen, 2, (9,), head=2) == "G1", "a mark on what is gone"
    assert rival(by_gen, 0, (), head=2) == "base"
    assert rival(by_gen, None, (), head=1) == "G1"
    assert rival(by_gen, None, (), head=None) == "G0", "all rejected: they still answer"
    assert rival({}, None, (), head=None) == ""
