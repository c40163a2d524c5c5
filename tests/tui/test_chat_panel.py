"""Asking in the chat pane, as a person would."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from tui.chat_scenes import GREEDY, happen, prompt_of, said, write
from tui.conftest import Play, until
from tui.fake_link import FakeLink, lineage, row
from tui.screen_text import screen_text

from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerRated, AnswerStarted, PromptSent
from luna_tui.console.widgets.chat_panel import ChatPanel
from luna_tui.console.widgets.conversation import Conversation
from luna_tui.console.widgets.correct_dialog import CorrectAnswer


def test_enter_sends_the_prompt_raw_to_the_chosen_generation(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, "  /help [b]me[/b] ")
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask") == [(1, "  /help [b]me[/b] ", ("G3",), SamplingOptions(0.0, 128, 0), "chat")]
        assert prompt_of(app).text == ""

    play(scenario)


def test_a_prompt_may_have_lines_typed_or_pasted(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, "one")
        await pilot.press("ctrl+j", "t", "q")
        app.post_message(events.Paste("\nthree\nfour"))
        await pilot.pause()
        assert prompt_of(app).size.height == 4
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask")[0][1] == "one\ntq\nthree\nfour"
        assert len(app.screen_stack) == 1, "t and q were letters, not actions"

    play(scenario)


def test_the_prompt_grows_to_four_lines_and_no_further(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, "")
        assert prompt_of(app).size.height == 1
        await write(pilot, "\n".join("abcdefgh"))
        assert prompt_of(app).size.height == 4

    play(scenario, size=(80, 24))


def test_an_empty_prompt_is_not_sent(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, " \n ")
        await pilot.press("enter")
        await pilot.pause()
        assert not link.called("ask")

    play(scenario)


def test_up_and_down_bring_back_earlier_prompts_and_the_draft(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        for turn, prompt in enumerate(("first", "second\nline"), start=1):
            await write(pilot, prompt)
            await pilot.press("enter")
            await until(lambda turn=turn: len(link.called("ask")) == turn)
            await happen(app, link, pilot, *said(turn, prompt, ["G3"], "Yes."))
        await write(pilot, "draft")
        area = prompt_of(app)
        await pilot.press("up")
        assert area.text == "second\nline"
        await pilot.press("up")
        assert area.text == "second\nline", "the cursor moves inside the prompt first"
        await pilot.press("up")
        assert area.text == "first"
        await pilot.press("up")
        assert area.text == "first"
        await pilot.press("down", "down", "down")
        assert area.text == "draft"

    play(scenario)


def test_while_an_answer_is_written_the_next_prompt_is_refused_and_kept(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, PromptSent(1, "one", ("G3",), GREEDY))
        await write(pilot, "two")
        await pilot.press("enter")
        await until(lambda: app.state.notice is not None)
        assert "still being written" in app.state.notice.text  # pyright: ignore[reportOptionalMemberAccess]
        assert not link.called("ask")
        assert prompt_of(app).text == "two"

    play(scenario)


def test_a_second_enter_before_the_turn_has_begun_sends_nothing_twice(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, "one")
        await pilot.press("enter")
        await write(pilot, "two")
        await pilot.press("enter")
        await pilot.pause()
        assert len(link.called("ask")) == 1

    play(scenario)


@pytest.mark.parametrize(
    ("selected", "marked", "names"),
    [(3, (), ("G3", "G1")), (3, (2, 3), ("G3", "G2")), (0, (), ("G0", "base")), (None, (), ("base", "G3"))],
)
def test_versus_lets_the_marked_one_or_the_parent_answer_beside(
    play: Play, selected: int | None, marked: tuple[int, ...], names: tuple[str, ...]
) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        assert app.controller is not None
        app.controller.select(selected)
        for gen in marked:
            app.controller.mark(gen)
        await pilot.press("a")
        await pilot.pause()
        assert f"Chat {' │ '.join(names)}" in screen_text(app)
        await write(pilot, "hm")
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask")[0][2] == names
        await pilot.press("escape", "a")
        await pilot.pause()
        assert app.screen.query_one(ChatPanel).names() == names[:1]

    play(scenario)


def test_the_second_one_changes_when_it_is_chosen_as_the_first(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("a")
        assert app.controller is not None
        app.controller.select(1)
        await pilot.pause()
        assert app.screen.query_one(ChatPanel).names() == ("G1", "G0")

    play(scenario)


def test_text_appears_as_it_comes_and_split_escape_sequences_are_harmless(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await happen(app, link, pilot, PromptSent(1, "hm", ("G3",), GREEDY), AnswerStarted(1, 0, "G3", 3))
        for piece, seen in (("With", "With"), (" what\x1b", "With what␛"), ("[31m?", "With what␛[31m?")):
            await happen(app, link, pilot, AnswerPiece(1, 0, piece))
            assert seen in screen_text(app)
        assert "writing" in screen_text(app)
        await happen(app, link, pilot, AnswerEnded(1, 0, "length", 9, 41.0, 179.0))
        assert "9 tok · 179 tok/s · first 41 ms · length (did not stop)" in screen_text(app)

    play(scenario)


def test_again_asks_the_same_generations_with_the_next_seed(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4", "T")
        await happen(app, link, pilot, *said(1, "Help?", ["G1", "base"], "A", "B", seed=4))
        await pilot.press("r")
        await until(lambda: link.called("ask"))
        assert link.called("ask") == [(2, "Help?", ("G1", "base"), SamplingOptions(0.7, 128, 5), "chat")]

    play(scenario)


def test_capital_letters_change_how_answers_are_drawn(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4", "T", "M", "S")
        await pilot.pause()
        for shown in ("T 0.7", "max 512", "seed 1"):
            assert shown in screen_text(app)
        await write(pilot, "hm")
        assert "raw prompt · T 0.7 · max 512 · seed 1" in screen_text(app)
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask")[0][3] == SamplingOptions(0.7, 512, 1)

    play(scenario)


def test_escape_stops_an_answer_and_then_leaves(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, PromptSent(1, "one", ("G3",), GREEDY))
        await pilot.press("c", "escape")
        await pilot.pause()
        assert isinstance(app.focused, Conversation)
        assert not link.called("cancel_answers"), "the first escape only leaves the prompt"
        await pilot.press("escape")
        await until(lambda: link.called("cancel_answers"))
        await pilot.press("full_stop")
        await until(lambda: len(link.called("cancel_answers")) == 2)
        await happen(app, link, pilot, AnswerEnded(1, 0, "stopped"))
        await pilot.press("escape")
        await until(lambda: app.screen.active == "lineage")  # pyright: ignore[reportAttributeAccessIssue]

    play(scenario)


def test_it_follows_the_newest_unless_somebody_scrolled_up(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        for turn in range(1, 20):
            await happen(app, link, pilot, *said(turn, f"prompt {turn}", ["G3"], f"answer {turn}"))
        await until(lambda: "answer 19" in screen_text(app))
        log = app.screen.query_one(Conversation)
        await pilot.press("home")
        await until(lambda: log.scroll_offset.y == 0)
        await happen(app, link, pilot, AnswerRated(19, 0, 1))
        assert "answer 1 " in screen_text(app)
        await happen(app, link, pilot, PromptSent(20, "prompt 20", ("G3",), GREEDY))
        await until(lambda: "prompt 20" in screen_text(app))
        await happen(app, link, pilot, AnswerPiece(20, 0, "\n".join(f"line {n}" for n in range(40))))
        await until(lambda: "line 39" in screen_text(app))

    play(scenario, size=(80, 24))


def test_moving_to_an_earlier_turn_brings_it_into_sight(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        for turn in range(1, 20):
            await happen(app, link, pilot, *said(turn, f"prompt {turn}", ["G3"], f"answer {turn}"))
        await pilot.press(*["up"] * 12)
        await until(lambda: "▌G3  answer 7 " in screen_text(app))
        await pilot.press(*["down"] * 12)
        await until(lambda: "▌G3  answer 19 " in screen_text(app))

    play(scenario, size=(80, 24))


def test_a_new_piece_repaints_its_own_lines_only(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await happen(app, link, pilot, *said(1, "one", ["G3"], "Yes."), PromptSent(2, "two", ("G3",), GREEDY))
        await happen(app, link, pilot, AnswerStarted(2, 0, "G3", 3), AnswerPiece(2, 0, "W"))
        painted: list[int] = []
        log = app.screen.query_one(Conversation)
        monkeypatch.setattr(log, "refresh_line", painted.append)
        monkeypatch.setattr(log, "refresh", lambda *_a, **_k: painted.append(-1))
        await happen(app, link, pilot, AnswerPiece(2, 0, "ith what?"))
        await until(lambda: painted)
        assert painted == [4], "prompt, answer, gap, prompt, answer"

    play(scenario)


def test_what_is_pasted_is_shown_without_harm_and_sent_as_it_is(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await write(pilot, "")
        app.post_message(events.Paste("a\x1b]0;x\x07b\u202ec"))
        await until(lambda: prompt_of(app).text)
        await pilot.pause()
        assert "> a␛]0;x␇b�c" in screen_text(app)
        assert "\x1b" not in screen_text(app)
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask")[0][1] == "a\x1b]0;x\x07b\u202ec"

    play(scenario)


def test_without_a_border_the_heading_is_a_line_of_its_own(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("a", "c")
        await pilot.pause()
        assert "Chat G3 │ G1  raw prompt · T 0 · max 128 · seed 0" in screen_text(app)

    play(scenario, size=(80, 24))


def test_before_the_first_generation_the_base_answers(play: Play, tmp_path: Any) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await pilot.pause()
        assert "the base answers" in screen_text(app)
        await write(pilot, "hm")
        await pilot.press("enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask")[0][2] == ("base",)

    play(scenario, link=FakeLink(tmp_path, rows=(), head=None))


def test_a_terminal_that_knows_only_ascii_is_given_ascii(play: Play, tmp_path: Any) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("a")
        await happen(app, link, pilot, *said(1, "Größe?", ["G3", "G1"], "é", "日"))
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, CorrectAnswer))
        await pilot.pause()
        panel = app.screen_stack[0].query_one(ChatPanel)
        shown = [segment.text for strip in app.screen._compositor.render_strips() for segment in strip]
        dialog = [text for text in shown if any(word in text for word in ("said", "Gr", "ctrl", "inbox"))]
        assert dialog
        assert all(text.isascii() for text in dialog)
        assert str(panel.border_title).isascii()

    rows = (*lineage(), row(4, 3))
    play(scenario, link=FakeLink(tmp_path, rows=rows, head=4), pace=FrameRate(frames=50, ascii=True))
