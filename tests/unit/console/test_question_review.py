"""The review of questions as plain values, and how it is drawn."""

from __future__ import annotations

import pytest

from engine.data.questions.answers import Proposal
from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.question_list import draw_question, draw_question_line, draw_review_header
from luna_tui.console.state.question_review import QuestionReview

PROPOSALS = [
    Proposal("What is ebb?", "falling water", "m.md:3", "definition"),
    Proposal("Who is [b]Tamsin?", "Tamsin is \x1b[31m the keeper of a bell that is rung in fog.", "m.md:4", "sentence"),
    Proposal("Who pays?", "The rower.", "a/very/long/path/to/the/manual.md:5", "faq"),
]


def test_decisions() -> None:
    review = QuestionReview.of(PROPOSALS)
    assert (review.count("open"), review.accepted, review.unwritten) == (3, [], False)
    review = review.toggle(0).toggle(0).decide(1, "accepted")
    assert (review.count("dropped"), review.accepted, review.unwritten) == (1, [PROPOSALS[1]], True)
    review = review.accept_open()
    assert review.accepted == PROPOSALS[1:]
    assert not review.written().unwritten


def test_an_edited_question_is_accepted_and_keeps_its_source() -> None:
    review = QuestionReview.of(PROPOSALS).edit(0, "what is ebb", "the tide going out")
    assert review.accepted == [Proposal("what is ebb", "the tide going out", "m.md:3", "definition")]
    assert review.questions[0].edited
    assert not QuestionReview.of(PROPOSALS).edit(0, "What is ebb?", "falling water").questions[0].edited


@pytest.mark.parametrize("width", [24, 40, 80, 120])
def test_no_line_is_wider_than_the_room_and_nothing_controls_the_terminal(width: int) -> None:
    review = QuestionReview.of(PROPOSALS).decide(0, "accepted").decide(1, "dropped")
    for question in review.questions:
        lines = [draw_question_line(question, width, UNICODE), *draw_question(question, width)]
        lines += draw_review_header(review, "w/curriculum/facts/questions-manual.jsonl", width, UNICODE)
        assert all(line.cell_len <= width and "\x1b" not in line.plain for line in lines), lines


def test_a_line_shows_decision_question_and_source() -> None:
    review = QuestionReview.of(PROPOSALS).decide(0, "accepted")
    assert draw_question_line(review.questions[0], 60, UNICODE).plain.split() == ["✓", "What", "is", "ebb?", "m.md:3"]
    assert draw_question_line(review.questions[1], 60, ASCII).plain.startswith(". Who is [b]Tamsin?")
    header = " ".join(line.plain for line in draw_review_header(review, "q.jsonl", 80, ASCII))
    assert header.isascii()
    assert "3 questions - 1 accepted - 0 dropped - 2 open" in header
    assert "into q.jsonl" in header
    told = " ".join(line.plain for line in draw_question(review.questions[2], 60))
    assert "The rower." in told
    assert "the document's own question" in told
