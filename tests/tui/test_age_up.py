"""The inbox in the console: a meter that is always there, and the next generation started by itself."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.scenes import HEADER, STARTED
from tui.screen_text import screen_lines, screen_text
from tui.test_voice_screen import happen

from engine.core.events import RunFinished
from engine.pipeline.request import TrainRequest
from luna_tui.console.app import LunaApp
from luna_tui.console.state.events import KarmaRead, ModeChanged, Noted

MICRO = TrainRequest(phase="converse", inbox_first=True, by_itself=True)
RESUMED = TrainRequest(resume=True, run="20261130-174012-G4", by_itself=True)
WAITING = KarmaRead(37, 60, "wait", "karma 37 of 60", True)
EARNED = KarmaRead(61, 60, "train", "karma 61 of 60: the inbox has earned a generation", True, MICRO)


def ended(verdict: str, code: int = 0) -> RunFinished:
    return RunFinished(**HEADER, gen=4, verdict=verdict, reasons=["x"], exit_code=code, head=3, seconds=1.0)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_the_meter_stands_beside_what_was_said_last(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        assert "karma" not in screen_text(app)
        await happen(app, link, pilot, WAITING, Noted("info", "karma +1 written to the inbox. " * 8))
        (line,) = [line for line in screen_lines(app) if "karma 37/60" in line]
        assert line.startswith(" karma +1 written")
        assert "…" in line
        await happen(app, link, pilot, ModeChanged("viewer", 7, "training"))
        assert "karma 37/60" not in screen_text(app)
        assert not link.called("train")

    play(scenario, size=size)


def test_what_the_inbox_has_earned_is_trained_by_itself(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, EARNED)
        await until(lambda: link.called("train"))
        assert link.called("train") == [(MICRO,)]
        assert "the inbox has earned a generation: training begins" in screen_text(app)

    play(scenario)


def test_nothing_starts_where_it_must_not(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, KarmaRead(61, 60, "train", "earned", False, MICRO))
        await happen(app, link, pilot, ModeChanged("viewer", 7, "training"), EARNED)
        assert not link.called("train")

    play(scenario)


@pytest.mark.parametrize(
    ("verdict", "code", "starts_again"),
    [("accepted", 0, 1), ("rejected", 3, 1), ("interrupted", 130, 0), ("failed", 1, 0), ("failed", 2, 1)],
)
def test_what_failed_or_was_stopped_does_not_start_again_by_itself(
    play: Play, verdict: str, code: int, starts_again: int
) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, EARNED)
        await happen(app, link, pilot, ModeChanged("owner"), STARTED, ended(verdict, code), ModeChanged("idle"))
        again = KarmaRead(70, 60, "resume", "G4, which age-up had begun, goes on", True, RESUMED)
        await happen(app, link, pilot, again)
        assert link.called("train") == [(MICRO,), (RESUMED,)][: 1 + starts_again]

    play(scenario)


def test_what_gave_way_leaves_no_mark_on_what_a_person_begins_next(play: Play) -> None:
    """Another process was quicker, so nothing was told of its end; a run of the user's that fails is the user's own."""

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await happen(app, link, pilot, EARNED)
        await happen(app, link, pilot, ModeChanged("owner"), ModeChanged("idle"))
        await pilot.press("t", "enter")
        await until(lambda: len(link.called("train")) == 2)
        await happen(app, link, pilot, ModeChanged("owner"), STARTED, ended("failed", 1), ModeChanged("idle"))
        await happen(app, link, pilot, EARNED)
        await until(lambda: len(link.called("train")) == 3)

    play(scenario)
