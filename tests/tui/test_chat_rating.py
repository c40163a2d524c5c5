"""Rating and correcting answers in the chat pane."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from tui.chat_scenes import GREEDY, happen, said
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from luna_tui.common.rating import Rating
from luna_tui.console.app import LunaApp
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerRated, PromptSent
from luna_tui.console.widgets.conversation import Conversation
from luna_tui.console.widgets.correct_dialog import CorrectAnswer
from luna_tui.console.widgets.prompt_input import RawTextArea


def test_an_answer_is_rated_once(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await happen(app, link, pilot, *said(1, "Help?", ["G3"], "With what?"))
        await pilot.press("plus")
        await until(lambda: link.called("rate"))
        assert link.called("rate") == [(Rating(1, 0, "Help?", "With what?", 3, "good"),)]
        await happen(app, link, pilot, AnswerRated(1, 0, 1))
        assert "+1" in screen_text(app)
        await pilot.press("plus")
        await pilot.pause()
        assert len(link.called("rate")) == 1
        await pilot.press("minus")
        await until(lambda: len(link.called("rate")) == 2)
        assert link.called("rate")[1][0].verdict == "bad"

    play(scenario)


def test_what_is_no_whole_answer_is_not_rated_good(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await pilot.press("plus")
        await until(lambda: app.state.notice is not None)
        await happen(app, link, pilot, PromptSent(1, "one", ("G3",), GREEDY), AnswerPiece(1, 0, "Wi"))
        await pilot.press("plus", "minus", "e")
        await happen(app, link, pilot, AnswerEnded(1, 0, "length", 9))
        await pilot.press("plus")
        await pilot.pause()
        assert not link.called("rate")
        assert "e corrects it" in app.state.notice.text  # pyright: ignore[reportOptionalMemberAccess]
        await pilot.press("minus")
        await until(lambda: link.called("rate"))

    play(scenario)


def test_left_right_up_and_down_choose_the_answer_that_is_meant(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await happen(
            app, link, pilot, *said(1, "one", ["G3", "G1"], "A", "B"), *said(2, "all", ["G0"], "-", kind="lineage")
        )
        await happen(app, link, pilot, *said(3, "two", ["G3", "G1"], "C", "D"))
        for keys, turn, index in ((("right",), 3, 1), (("up",), 1, 1), (("left",), 1, 0), (("down",), 3, 0)):
            link.calls.clear()
            await pilot.press(*keys, "minus")
            await until(lambda: link.called("rate"))
            rating = link.called("rate")[0][0]
            assert (rating.turn, rating.index) == (turn, index), keys

    play(scenario)


def test_a_correction_is_written_in_place_of_the_answer(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await happen(app, link, pilot, *said(1, "Help\x1b[2J?", ["G3"], "Sure\x1b[31m!\u202e"))
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, CorrectAnswer) and isinstance(app.focused, RawTextArea))
        await pilot.pause()
        assert "Help␛[2J?" in screen_text(app)
        area = app.screen.query_one(RawTextArea)
        assert area.text == "Sure[31m!", "nothing invisible is offered to train on"
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "this is what it said" in screen_text(app)
        area.clear()
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "nothing is written yet" in screen_text(app)
        await pilot.press("q", "t", "ctrl+s")
        await until(lambda: link.called("rate"))
        assert link.called("rate")[0][0] == Rating(1, 0, "Help\x1b[2J?", "Sure\x1b[31m!\u202e", 3, "corrected", "qt")
        assert not isinstance(app.screen, CorrectAnswer)
        await happen(app, link, pilot, AnswerRated(1, 0, 1, "qt"))
        assert 'corrected → "qt"' in screen_text(app)

    play(scenario)


def test_a_correction_can_be_left(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("4")
        await happen(app, link, pilot, *said(1, "Help?", ["G3"], "Sure!"))
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, CorrectAnswer))
        await pilot.press("x", "escape")
        await until(lambda: not isinstance(app.screen, CorrectAnswer))
        assert not link.called("rate")
        assert isinstance(app.focused, Conversation)

    play(scenario, size=(80, 24))
