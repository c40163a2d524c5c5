"""The evals pane in the console: it follows the chosen generation, says why it was rejected, and leads to the items."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from tui import scenes
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text

from luna_tui.console.app import LunaApp
from luna_tui.console.screens.items import ItemsScreen
from luna_tui.console.state.events import JobEnded, JobProgress, JobStarted
from luna_tui.console.widgets.evals_panel import EvalsPanel


def title(app: LunaApp) -> str:
    return str(app.screen.query_one(EvalsPanel).border_title)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_it_shows_three_scores_against_their_targets(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("3")
        await until(lambda: title(app) == "Evals G3 vs G1")
        await until(lambda: "<0.20" in screen_text(app))
        lines = screen_lines(app)
        for name, value, target in (("recall", "0.97", ">0.90"), ("generalization", "0.95", ">0.85")):
            line = next(line for line in lines if f"{name} " in line and target in line)
            assert value in line
            assert "✓" in line
        assert any("style drift" in line and "<0.20" in line for line in lines)

    play(scenario, size=size)


def test_it_follows_the_chosen_generation_and_says_why_it_was_rejected(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("up")
        await until(lambda: title(app) == "Evals G2 vs G1")
        await until(lambda: "generalization 0.55 is not above 0.85" in screen_text(app))

    play(scenario)


def test_enter_lists_the_items_of_what_is_shown(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("up", "3", "enter")
        await until(lambda: isinstance(app.screen, ItemsScreen))
        await until(lambda: ("G2",) in link.called("load_evaluation"))

    play(scenario)


def test_the_base_has_no_items_to_list(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("home", "3", "enter")
        await pilot.pause()
        assert not isinstance(app.screen, ItemsScreen)

    play(scenario)


def test_examining_again_shows_how_far_it_is_and_how_it_ended(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("v")
        await until(lambda: link.called("evaluate") == [("G3",)])
        link.give(
            JobStarted("evaluate", "examining G3"), JobProgress("evaluate", "examining G3: recall", 30, 120, 41.0)
        )
        await until(lambda: "25% 41s left" in screen_text(app))
        link.give(JobEnded("evaluate", True, "G3 examined: recall 0.970"))
        await until(lambda: "G3 examined: recall 0.970" in screen_text(app))

    play(scenario)


def test_an_empty_lineage_says_what_will_stand_there(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        assert "every generation sits three" in screen_text(app)

    play(scenario, link=scenes.world(tmp_path, empty=True))
