"""Turns that are kept: each generation's own answers, from where keeping began, in the order they were given."""

from __future__ import annotations

from luna_tui.console.state.chat_state import ChatAnswer, ChatTurn, as_markdown, kept_turns


def answer(ref: str, text: str, **more: object) -> ChatAnswer:
    return ChatAnswer(ref, ref, text=text, state="done", stop_reason="eos", **more)  # type: ignore[arg-type]


TURNS = (
    ChatTurn(1, "before", {}, (answer("G3", "old"),)),
    ChatTurn(2, "one", {}, (answer("G3", "a"), answer("G1", "b"))),
    ChatTurn(3, "to all", {}, (answer("G3", "c"),), "lineage"),
    ChatTurn(4, "two", {}, (answer("G3", ""), answer("G1", "d", correction="D"))),
    ChatTurn(5, "three", {}, (ChatAnswer("G3", "G3", text="half", state="streaming"), answer("G1", "e"))),
)


def test_each_generation_goes_on_with_its_own_answers() -> None:
    assert kept_turns(TURNS, "G3", 2) == ("one", "a")
    assert kept_turns(TURNS, "G1", 2) == ("one", "b", "two", "D", "three", "e"), "a correction is what was said"
    assert kept_turns(TURNS, "G3", 1) == ("before", "old", "one", "a")
    assert kept_turns(TURNS, "G0", 1) == ()


def test_what_was_asked_holds_the_turns_before_it() -> None:
    turn = ChatTurn(6, "now", {}, (answer("G3", "x"), answer("G1", "y")), histories=(("one", "a"), ()))
    assert (turn.asked(0), turn.asked(1)) == ("one\na\nnow", "now")
    assert TURNS[0].asked(0) == "before"


def test_markdown_holds_what_was_said() -> None:
    assert as_markdown(TURNS[1:2]) == "**one**\n\nG3: a\n\nG1: b\n"
