"""The page of the voice over time, used as a person would."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink, lineage
from tui.scenes import HEADER, STARTED
from tui.screen_text import screen_text

from engine.core.events import Event, RunFinished, VoiceSampled
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.voice import VoiceScreen
from luna_tui.console.state.events import (
    AnswerEnded,
    AnswerPiece,
    AnswerStarted,
    ConsoleEvent,
    CurveLoaded,
    ModeChanged,
    PromptSent,
)
from luna_tui.console.widgets.prompt_input import PromptInput

GREEDY = SamplingOptions().as_mapping()


def sampled(step: int, text: str, prompt: str = "Can you help me?") -> VoiceSampled:
    return VoiceSampled(**HEADER, step=step, prompt=prompt, text=text, stop_reason="eos", seconds=0.1)


async def happen(app: LunaApp, link: FakeLink, pilot: Pilot[Any], *news: Event | ConsoleEvent) -> None:
    """Let these happen, and wait until the screen has taken them in."""
    link.give(*news)
    await until(lambda: not link.pending)
    await pilot.pause()


async def opened(app: LunaApp, pilot: Pilot[Any], key: str) -> None:
    """Open the page and wait until it stands."""
    await pilot.press(key)
    await until(lambda: isinstance(app.screen, VoiceScreen))
    await pilot.pause()


def test_the_voice_is_seen_to_change_while_it_trains(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, "w")
        assert "pinned prompts" in screen_text(app)
        await happen(app, link, pilot, STARTED, sampled(0, "Sure, happy to!"), sampled(20, "With what?"))
        await happen(app, link, pilot, sampled(40, "With what?"), sampled(20, "\x1b[31mLuna.", "Who are you?"))
        text = screen_text(app)
        assert "While G4 converse trained" in text
        assert "    0  Sure, happy to!" in text
        assert "20–40  With what?" in text
        assert "␛[31mLuna." in text
        assert text.index("Can you help me?") < text.index("Who are you?")

    for size in ((80, 24), (160, 48)):
        play(scenario, size=size)


def test_what_a_finished_generation_answered_as_it_trained_is_seen_again(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        assert app.state.ui.selected == 3
        recorded = CurveLoaded(3, None, (sampled(0, "Of course!"), sampled(60, "Which module?")))
        await happen(app, link, pilot, recorded)
        await opened(app, pilot, "w")
        text = screen_text(app)
        assert "While G3 converse trained" in text
        assert "  60  Which module?" in text

        await happen(app, link, pilot, ModeChanged("owner", 1, "training"), STARTED, sampled(20, "Hm."))
        text = screen_text(app)
        assert "While G4 converse trained" in text, "a run that is going on is what a person looks for"
        assert "Hm." in text
        assert "Which module?" not in text

        ended = RunFinished(**HEADER, gen=4, verdict="accepted", reasons=[], exit_code=0, head=4, seconds=1.0)
        await happen(app, link, pilot, ended, ModeChanged("idle"))
        assert "While G3 converse trained" in screen_text(app), "the chosen generation again"
        await happen(app, link, pilot, CurveLoaded(3, None))
        text = screen_text(app)
        assert "While G4 converse trained" in text, "the last run's, where the chosen generation has none"
        assert "Hm." in text

    for size in ((80, 24), (160, 48)):
        play(scenario, size=size)


def test_one_prompt_goes_to_the_base_the_way_to_head_and_the_branches(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, "l")
        assert isinstance(app.focused, PromptInput)
        await pilot.press("q", "t", "question_mark", "enter")
        await until(lambda: link.called("ask"))
        refs = ("base", "G0", "G1", "G3", "G2")
        assert link.called("ask") == [(1, "qt?", refs, SamplingOptions(0.0, 128, 0), "lineage")]
        await happen(app, link, pilot, PromptSent(1, "qt?", refs, GREEDY, "lineage"), AnswerStarted(1, 0, "base", None))
        await happen(app, link, pilot, AnswerPiece(1, 0, "Sure! I "))
        assert "Sure! I" in screen_text(app)
        assert "0 of 5 answered" in screen_text(app)
        await happen(app, link, pilot, AnswerEnded(1, 0, "length", 128, 50.0, 90.0))
        for index, ref in enumerate(refs[1:], start=1):
            news = AnswerPiece(1, index, f"I am {ref}."), AnswerEnded(1, index, "eos", 4, 40.0, 180.0)
            await happen(app, link, pilot, AnswerStarted(1, index, ref, int(ref[1:])), *news)
        text = screen_text(app)
        assert "Down the lineage · 5 answers" in text
        places = [text.index(f"I am {ref}.") for ref in refs[1:]]
        assert places == sorted(places)
        assert "length (did not stop)" in text
        await pilot.press("escape", "escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario, size=(120, 40))


def test_nothing_more_is_asked_while_answers_come_and_they_can_be_stopped(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, "l")
        await pilot.press("enter")
        await pilot.press("x", "enter", "y", "enter")
        await until(lambda: link.called("ask"))
        assert len(link.called("ask")) == 1, "neither the empty prompt nor the second one"
        await happen(app, link, pilot, PromptSent(1, "x", ("base", "G0"), GREEDY, "lineage"))
        await pilot.press("enter")
        await until(lambda: "still being written" in screen_text(app))
        await pilot.press("escape")
        await pilot.pause()
        assert ". stop" in screen_text(app)
        await pilot.press("full_stop")
        await until(lambda: link.called("cancel_answers"))
        stopped = [AnswerEnded(1, index, "stopped") for index in (0, 1)]
        await happen(app, link, pilot, *stopped)
        await pilot.press("enter", "enter")
        await until(lambda: len(link.called("ask")) == 2)
        assert link.called("ask")[1][1] == "y"

    play(scenario, size=(80, 24))


def test_tab_goes_from_part_to_part(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, "w")
        seen: list[str | None] = []
        for _ in range(4):
            seen.append(app.focused.id if app.focused else None)
            await pilot.press("tab")
        assert seen == ["voice-samples", "voice-answers", "voice-prompt", "voice-samples"]

    play(scenario)


def test_the_page_can_be_opened_before_the_first_generation(play: Play, tmp_path: Any) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, "w")
        assert "One prompt" in screen_text(app)
        await pilot.press("enter", "h", "i", "enter")
        await until(lambda: link.called("ask"))
        assert link.called("ask")[0][2] == ("base",)

    play(scenario, link=FakeLink(tmp_path, rows=(), head=None))


def test_a_terminal_that_knows_only_ascii_is_given_ascii(play: Play, tmp_path: Any) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, "w")
        answered = [
            PromptSent(1, "Größe?", ("base", "G0"), GREEDY, "lineage"),
            AnswerPiece(1, 0, "日\x1b"),
            AnswerEnded(1, 0, "eos", 3),
        ]
        await happen(app, link, pilot, STARTED, sampled(0, "é…"), *answered)
        assert "Gr??e?" in screen_text(app)
        assert screen_text(app).isascii()

    link = FakeLink(tmp_path, rows=lineage(), head=3)
    play(scenario, link=link, pace=FrameRate(frames=50, ascii=True))
