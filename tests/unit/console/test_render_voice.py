"""The voice over time as lines, without a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.voice_page import asked_of, draw_lineage_answers, draw_no_voices, draw_voices
from luna_tui.console.state.chat_state import ChatAnswer, ChatTurn


@dataclass(frozen=True)
class Sample:
    """The fields of a VoiceSampled that are drawn."""

    step: int
    prompt: str
    text: str
    stop_reason: str = "eos"


ROWS: dict[int, dict[str, Any]] = {
    0: {"GEN_ID": 0, "parent_gen": None, "verdict": "accepted", "child_sha": "00" * 32},
    1: {"GEN_ID": 1, "parent_gen": 0, "verdict": "accepted", "child_sha": "11" * 32},
    2: {"GEN_ID": 2, "parent_gen": 1, "verdict": "rejected", "child_sha": "22" * 32},
    3: {"GEN_ID": 3, "parent_gen": 1, "verdict": "accepted", "child_sha": "33" * 32},
}


def done(ref: str, text: str, **more: Any) -> ChatAnswer:
    return ChatAnswer(ref, ref, None, text, "done", "eos", 3, 40.0, 180.0, **more)


def plain(lines: list[Text]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


def test_samples_stand_under_their_prompt_in_the_order_of_steps() -> None:
    voices = [Sample(50, "Help?", "With what?"), Sample(0, "Help?", "Sure, happy to!"), Sample(0, "Who?", "A model.")]
    assert plain(draw_voices(voices, 60, UNICODE)) == [
        "Help?",
        "   0  Sure, happy to!",
        "  50  With what?",
        "",
        "Who?",
        "   0  A model.",
    ]


def test_an_answer_that_stays_the_same_is_shown_once_with_its_span() -> None:
    voices = [Sample(step, "Help?", "A" if step < 30 else "B") for step in (0, 10, 20, 30, 40)]
    assert plain(draw_voices(voices, 60, UNICODE)) == ["Help?", " 0–20  A", "30–40  B"]


def test_an_answer_that_was_cut_off_shows_it() -> None:
    assert plain(draw_voices([Sample(5, "Help?", "And then", "length")], 60, UNICODE))[1] == "   5  And then…"
    assert plain(draw_voices([Sample(5, "Help?", "And then", "budget")], 60, UNICODE))[1] == "   5  And then…"
    assert "(nothing)" in plain(draw_voices([Sample(5, "Help?", "")], 60, UNICODE))[1]


@given(
    st.lists(st.builds(Sample, st.integers(0, 10**6), st.text(max_size=40), st.text(max_size=200), st.text(max_size=9)))
)
def test_no_sample_is_wider_than_the_page_or_steers_the_terminal(voices: list[Sample]) -> None:
    for glyphs in (UNICODE, ASCII):
        for line in draw_voices(voices, 40, glyphs):
            assert line.cell_len <= 40
            assert glyphs is not ASCII or line.plain.isascii()
            assert not set(line.plain) & set("\n\t\x1b\x07\x9b\u202e")


def test_without_samples_the_page_says_where_they_come_from() -> None:
    words = " ".join(" ".join(plain(draw_no_voices(60, UNICODE, training=False))).split())
    assert "while it learns" in words
    assert "has answered nothing yet" in plain(draw_no_voices(60, UNICODE, training=True))[0]


def test_the_answers_go_down_the_lineage_with_verdicts_and_head() -> None:
    answers = tuple(done(ref, f"I am {ref}.") for ref in ("base", "G0", "G1", "G3", "G2"))
    lines = plain(draw_lineage_answers(ChatTurn(7, "Who?", {}, answers, "lineage"), ROWS, 3, 90, UNICODE))
    assert lines[0] == "Who?"
    assert lines[1].startswith("○ base")
    assert lines[4].startswith("✓ G3 33333333 ◀ HEAD")
    assert lines[5] == "beside it"
    assert lines[6].startswith("✗ G2 22222222")
    drawn = draw_lineage_answers(ChatTurn(7, "Who?", {}, answers, "lineage"), ROWS, 3, 90, UNICODE)[4]
    at = drawn.plain.index("I am")
    assert not drawn.style
    assert not [span for span in drawn.spans if span.start <= at < span.end], "the answer itself has the plain colour"
    assert all("180 tok/s" in line for line in lines if "I am" in line)


def test_answers_to_come_are_told_apart() -> None:
    answers = (done("base", "Sure."), ChatAnswer("G0", "G0", 0, "Yes", "streaming"), ChatAnswer("G1", "G1"))
    turn = ChatTurn(7, "Who?", {}, answers, "lineage")
    lines = plain(draw_lineage_answers(turn, ROWS, 1, 60, UNICODE))
    assert "writing" in lines[2]
    assert "waits" in lines[3]
    assert asked_of(turn) == "1 of 3 answered"


def test_names_of_a_damaged_ledger_do_not_steer_the_terminal() -> None:
    rows = {0: {"GEN_ID": 0, "parent_gen": None, "verdict": "\x1b[2J", "child_sha": "\x1b]0;x\x07"}}
    answers = (done("G0", "\x1b[31m"), ChatAnswer("G0", "G0", state="done", stop_reason="error", problem="\x1b[1mno"))
    for glyphs in (UNICODE, ASCII):
        for line in draw_lineage_answers(ChatTurn(1, "\x1b", {}, answers, "lineage"), rows, 0, 90, glyphs):
            assert line.plain.isprintable()
            assert line.cell_len <= 90
            assert glyphs is not ASCII or line.plain.isascii()


def test_before_the_first_question_the_page_says_what_is_asked() -> None:
    assert "every generation" in " ".join(plain(draw_lineage_answers(None, ROWS, 3, 80, UNICODE)))
