"""The conversation as lines, without a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from luna_tui.common.terminal import ASCII, UNICODE, Glyphs
from luna_tui.console.render.conversation import (
    SIDE_BY_SIDE,
    ConversationStyle,
    chat_keys,
    chat_options,
    chat_title,
    draw_nothing_said,
    draw_turn,
    fold,
)
from luna_tui.console.state.chat_state import ChatAnswer, ChatState, ChatTurn, reduce_chat
from luna_tui.console.state.events import AnswerPiece, PromptSent

GREEDY = {"temperature": 0.0, "max_tokens": 128, "seed": 0}
SHORT = ChatAnswer("G3", "G3", 3, "With what?", "done", "eos", 3, 41.2, 182.4)
LONG = replace(
    SHORT, ref="G1", label="G1", text="Sure. What is it that you want of me now? " * 30, stop_reason="length"
)


def turn(*answers: ChatAnswer, prompt: str = "Can you help me?", kind: str = "chat", **options: float) -> ChatTurn:
    return ChatTurn(1, prompt, {**GREEDY, **options}, answers, kind)


def plain(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def styles_of(lines: list[Text], words: str) -> set[str]:
    """The styles that these words are drawn in."""
    line = next(line for line in lines if words in line.plain)
    at = line.plain.index(words)
    covering = {str(span.style) for span in line.spans if span.start <= at < span.end}
    return {style for style in (*covering, str(line.style)) if style}


def test_a_short_answer_and_its_figures_share_a_line() -> None:
    lines = draw_turn(turn(SHORT), ConversationStyle(70, UNICODE))
    line = next(line.plain for line in lines if "With what?" in line.plain)
    assert line.strip().startswith("G3")
    assert line.endswith("3 tok · 182 tok/s · first 41 ms · eos")
    assert cell_len(line) <= 70


def test_narrow_panes_leave_out_figures_but_never_how_it_ended() -> None:
    for width in range(30, 60):
        assert "eos" in plain(draw_turn(turn(SHORT), ConversationStyle(width, UNICODE)))


def test_newlines_are_kept_and_words_are_not_cut() -> None:
    answer = replace(SHORT, text="first line\n\nsecond paragraph that is long enough to be folded twice over")
    lines = [line.plain[5:].rstrip() for line in draw_turn(turn(answer), ConversationStyle(40, UNICODE))][1:-1]
    assert lines[:2] == ["first line", ""]
    assert " ".join(lines[2:]).startswith("second paragraph that is long enough to be folded twice over")


def test_an_answer_that_did_not_stop_says_so() -> None:
    lines = draw_turn(turn(LONG), ConversationStyle(70, UNICODE))
    assert "length (did not stop)" in plain(lines)
    assert styles_of(lines, "length (did not stop)") == {"warn"}


def test_an_error_is_told_in_words() -> None:
    answer = ChatAnswer("G1", "G1", state="done", stop_reason="error", problem="G1's file is gone: luna-tui verify")
    lines = draw_turn(turn(answer), ConversationStyle(70, UNICODE))
    assert "G1's file is gone: luna-tui verify" in plain(lines)
    assert styles_of(lines, "file is gone") == {"bad"}


def test_colour_stays_with_what_it_means() -> None:
    lines = draw_turn(turn(replace(SHORT, karma=1), temperature=0.7), ConversationStyle(80, UNICODE, chosen=0))
    looks = {
        "you": "label",
        "Can you": "bold",
        "T 0.7": "dim",
        "▌": "key",
        "G3": "accent",
        "3 tok": "dim",
        "+1": "good",
    }
    assert {words: styles_of(lines, words) for words in looks} == {words: {style} for words, style in looks.items()}
    assert styles_of(lines, "With what?") == set(), "the answer itself has the plain colour"


def test_a_rating_is_shown_with_its_sign() -> None:
    assert plain(draw_turn(turn(replace(SHORT, karma=1)), ConversationStyle(70, UNICODE))).rstrip().endswith("+1")
    assert plain(draw_turn(turn(replace(SHORT, karma=-1)), ConversationStyle(70, UNICODE))).rstrip().endswith("−1")
    assert plain(draw_turn(turn(replace(SHORT, karma=-1)), ConversationStyle(70, ASCII))).rstrip().endswith("-1")


def test_a_correction_is_shown_under_the_answer() -> None:
    lines = draw_turn(turn(replace(SHORT, karma=1, correction="Say what.")), ConversationStyle(70, UNICODE))
    assert 'corrected → "Say what."' in plain(lines)
    assert "With what?" in plain(lines)


def test_two_answers_stand_side_by_side_where_there_is_room() -> None:
    both = turn(SHORT, replace(SHORT, ref="G1", label="G1", text="Sure."))
    wide = plain(draw_turn(both, ConversationStyle(SIDE_BY_SIDE, UNICODE))).split("\n")
    narrow = plain(draw_turn(both, ConversationStyle(SIDE_BY_SIDE - 1, UNICODE))).split("\n")
    assert any("With what?" in line and "Sure." in line for line in wide)
    assert not any("With what?" in line and "Sure." in line for line in narrow)
    assert [line.split()[0] for line in narrow if line.strip()] == ["you", "G3", "G1"]


def test_the_columns_keep_their_border_when_one_answer_is_longer() -> None:
    lines = plain(draw_turn(turn(SHORT, LONG), ConversationStyle(100, UNICODE))).split("\n")[1:-1]
    assert len(lines) > 5
    assert len({line.index("│") for line in lines}) == 1


def test_the_chosen_answer_is_marked_and_no_other() -> None:
    both = turn(SHORT, replace(SHORT, label="G1", text="Sure."))
    lines = plain(draw_turn(both, ConversationStyle(60, UNICODE, chosen=1))).split("\n")
    assert [line[0] for line in lines if line] == [" ", " ", "▌"]


def test_answers_to_come_say_what_they_wait_for() -> None:
    streaming = ChatAnswer("G3", "G3", 3, "With", "streaming")
    text = plain(draw_turn(turn(streaming, ChatAnswer("G1", "G1")), ConversationStyle(60, UNICODE)))
    assert "With" in text
    assert "writing" in text
    assert "waits" in text
    assert "loading" in plain(draw_turn(turn(ChatAnswer("G3", "G3")), ConversationStyle(60, UNICODE)))


def test_an_empty_answer_is_not_invisible() -> None:
    assert "(nothing)" in plain(draw_turn(turn(replace(SHORT, text=" \n", tokens=0)), ConversationStyle(60, UNICODE)))


def test_sampled_turns_say_how() -> None:
    assert "T 0.7 · seed 3" in plain(draw_turn(turn(SHORT, temperature=0.7, seed=3), ConversationStyle(60, UNICODE)))
    assert "seed" not in plain(draw_turn(turn(SHORT), ConversationStyle(60, UNICODE)))


def test_long_answers_of_earlier_turns_are_cut_and_say_how_much_is_hidden() -> None:
    whole = draw_turn(turn(LONG), ConversationStyle(60, UNICODE))
    cut = draw_turn(turn(LONG), ConversationStyle(60, UNICODE, folded=True))
    assert len(cut) < len(whole)
    hidden = len(whole) - len(cut) + 1
    assert f"… {hidden} more lines" in plain(cut)


def test_a_prompt_to_all_takes_one_line() -> None:
    lines = draw_turn(turn(SHORT, replace(SHORT, state="streaming"), kind="lineage"), ConversationStyle(60, UNICODE))
    assert len([line for line in lines if line.plain.strip()]) == 1
    assert "Can you help me?" in plain(lines)
    assert "1 of 2 answered" in plain(lines)
    assert "With what?" not in plain(lines)


def test_an_escape_sequence_split_over_pieces_is_shown_not_obeyed() -> None:
    state = reduce_chat(ChatState(), PromptSent(1, "hm", ("G3",), GREEDY))
    for piece in ("\x1b", "]52;c;", "aGk=\x07", "\x9b31m", "\u202etext"):
        state = reduce_chat(state, AnswerPiece(1, 0, piece))
    text = plain(draw_turn(state.turns[0], ConversationStyle(70, UNICODE)))
    assert "␛]52;c;aGk=␇<U+009B>31m<U+202E>text" in text
    assert text.replace("\n", "").isprintable()


def test_markup_of_a_model_stays_text() -> None:
    text = plain(draw_turn(turn(replace(SHORT, text="[/foo] [@click=app.quit]x[/]")), ConversationStyle(90, UNICODE)))
    assert "[/foo] [@click=app.quit]x[/]" in text


ANSWERS = st.builds(
    ChatAnswer,
    st.just("G1"),
    st.text(max_size=20),
    st.just(1),
    st.text(max_size=300),
    st.sampled_from(["waiting", "streaming", "done"]),
    st.sampled_from(["eos", "length", "stopped", "error"]),
    st.integers(0, 600),
    st.floats(0, 1e5) | st.none(),
    st.floats(0, 1e5) | st.none(),
    st.text(max_size=60),
    st.none() | st.sampled_from([1, -1]),
    st.none() | st.text(max_size=60),
)


@given(st.lists(ANSWERS, min_size=1, max_size=2), st.text(max_size=300), st.integers(30, 120), st.booleans())
def test_no_line_is_wider_than_the_pane(answers: list[ChatAnswer], prompt: str, width: int, folded: bool) -> None:
    for glyphs in (UNICODE, ASCII):
        for kind in ("chat", "lineage"):
            look = ConversationStyle(width, glyphs, 0, folded)
            for line in draw_turn(turn(*answers, prompt=prompt, kind=kind), look):
                assert line.cell_len <= width
                assert glyphs is not ASCII or line.plain.isascii()
                assert not set(line.plain) & set("\n\t\x1b\x07\x9b")


@given(st.text(alphabet="ab 日é\n", max_size=200), st.integers(2, 40))
def test_folding_loses_nothing_but_spaces_at_the_folds(text: str, width: int) -> None:
    lines = fold(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert len(lines) >= text.count("\n") + 1


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_before_the_first_prompt_the_pane_says_what_a_raw_prompt_is(glyphs: Glyphs) -> None:
    lines = draw_nothing_said("base", 44, glyphs, generations=False)
    words = " ".join(plain(lines).split())
    assert "no template, no system prompt" in words
    assert "no generation yet: the base answers" in words
    assert "Can you help me?" in words
    assert all(line.cell_len <= 44 for line in lines)
    assert "no generation yet" not in plain(draw_nothing_said("G3", 44, glyphs, generations=True))


def test_who_answers_and_how_is_in_the_border() -> None:
    assert chat_title(("G3", "G1"), UNICODE) == "Chat G3 │ G1"
    assert chat_title(("base",), ASCII) == "Chat base"
    assert chat_options({**GREEDY, "temperature": 0.7}, UNICODE) == "raw prompt · T 0.7 · max 128 · seed 0"


def test_the_keys_are_shown_as_far_as_they_fit() -> None:
    assert chat_keys(GREEDY, 80, busy=False).plain == (
        "+ good  - bad  e correct  r again  T 0  M max 128  S seed 0  k keep  y copy"
    )
    assert chat_keys(GREEDY, 80, busy=True).plain.startswith("esc stop")
    assert chat_keys(GREEDY, 20, busy=False).plain == "+ good  - bad"


def test_an_answer_that_first_goes_on_with_the_prompt_is_marked_and_shown_whole() -> None:
    text = plain(draw_turn(turn(replace(SHORT, text=".\nWith what?", continued=True)), ConversationStyle(80, UNICODE)))
    assert "goes on with the prompt" in text
    assert "With what?" in text
    assert "goes on" not in plain(draw_turn(turn(SHORT), ConversationStyle(80, UNICODE)))
