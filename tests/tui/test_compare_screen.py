"""The comparison of two generations in the console."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text

from luna_tui.console.app import LunaApp
from luna_tui.console.screens.compare import CompareScreen
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.state.events import EvaluationLoaded


def evaluation(output: str, score: float) -> dict[str, Any]:
    item = {"id": "a", "prompt": "ask?", "expected": "yes", "output": output, "score": score}
    answer = {"probe_id": "t", "prompt": "probe", "text": output, "sample": 0, "hits": [], "answered": True}
    return {"items": [item], "tone": [answer], "scores": {"recall": {"value": score, "n": 1, "low": 0.0, "high": 1.0}}}


async def compare(app: LunaApp, pilot: Pilot[object], *keys: str) -> None:
    await pilot.press("space", *keys, "space")
    await until(lambda: len(app.state.ui.marked) == 2)
    await pilot.press("equals_sign")
    await until(lambda: isinstance(app.screen, CompareScreen) and "Scores" in screen_text(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_older_one_stands_left_and_both_are_asked_for(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await compare(app, pilot, "up", "up")  # G3 was marked first
        heads = next(line for line in screen_lines(app)[1:] if "G1" in line and "G3" in line)
        assert heads.index("G1") < heads.index("G3")
        await until(lambda: {("G1",), ("G3",)} <= set(link.called("load_evaluation")))
        await until(lambda: {(1,), (3,)} <= set(link.called("load_details")))
        await pilot.press("end")
        await until(lambda: "reading its examination" in screen_text(app))
        link.give(EvaluationLoaded("G1", evaluation("nope", 0.0)), EvaluationLoaded("G3", evaluation("yes", 1.0)))
        await until(lambda: "reading its examination" not in screen_text(app))
        await pilot.press("end")
        await until(lambda: "1 won: only G3 has them right" in screen_text(app))
        answers = next(line for line in screen_lines(app) if "nope" in line)
        assert answers.index("nope") < answers.index("yes")

    play(scenario, size=size)


def test_tab_turns_it_round_and_escape_goes_back(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await compare(app, pilot, "up", "up")
        await pilot.press("tab")
        await until(lambda: "G3 and G1" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert app.state.ui.marked == (3, 1)

    play(scenario)


def test_the_base_is_compared_once_it_was_examined(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await compare(app, pilot, "home")
        await until(lambda: "The base was not examined yet" in screen_text(app))
        assert ("Gbase",) not in link.called("load_evaluation")
        assert not [call for call in link.called("load_evaluation") if "None" in call[0]]
        link.give(EvaluationLoaded("base", evaluation("what", 0.0)), EvaluationLoaded("G3", evaluation("yes", 1.0)))
        await until(lambda: "The base was not examined yet" not in screen_text(app))
        await pilot.press("end")
        await until(lambda: "1 won: only G3 has them right" in screen_text(app))

    play(scenario)
