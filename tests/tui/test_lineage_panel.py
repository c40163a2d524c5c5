"""The lineage pane in the console: keys, mouse, filter, details, and a lineage of ten thousand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseDown
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink, lineage, row
from tui.screen_text import screen_lines, screen_text

from engine.core.events import RunStarted, StepChanged, TrainStep
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.generation import GenerationScreen
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.state.events import LineageLoaded, ModeChanged
from luna_tui.console.widgets.lineage_list import LineageTree

HEADER = {"run": "r", "mono": 0.0, "wall": 0.0}


def tree_of(app: LunaApp) -> LineageTree:
    return app.screen.query_one(LineageTree)


def line_with(app: LunaApp, words: str) -> str:
    return next((line for line in screen_lines(app) if words in line), "")


async def selects(app: LunaApp, pilot: Pilot[object], key: str, gen: int | None) -> None:
    await pilot.press(key)
    await until(lambda: app.state.ui.selected == gen)


def test_the_cursor_begins_at_head_and_moves_with_arrows_and_letters(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        assert app.state.ui.selected == 3
        assert app.focused is tree_of(app)
        await selects(app, pilot, "up", 2)
        await selects(app, pilot, "k", 1)
        await selects(app, pilot, "home", None)  # the base can be chosen
        await selects(app, pilot, "j", 0)
        await selects(app, pilot, "down", 1)
        await selects(app, pilot, "end", 3)
        await pilot.press("down")
        assert app.state.ui.selected == 3

    play(scenario)


def test_many_quick_presses_lose_none(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        tree = tree_of(app)
        for _ in range(3):
            tree.action_move(-1)  # before the state has followed once
        assert tree.chosen == 0
        await until(lambda: app.state.ui.selected == 0)
        await pilot.pause()
        assert tree.chosen == 0

    play(scenario)


def shown_by(app: LunaApp, pane: str) -> int | None:
    """The generation that a pane is about."""
    state: ConsoleState = app.screen.query_one(f"#{pane}").state  # pyright: ignore[reportAttributeAccessIssue]
    return state.ui.selected


def test_the_cursor_is_painted_before_the_panes_that_tell_of_its_place(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        tree_of(app).action_move(-1)
        assert (shown_by(app, "lineage"), shown_by(app, "evals"), shown_by(app, "chat")) == (2, 3, 3)
        await until(lambda: all(shown_by(app, pane) == 2 for pane in ("lineage", "evals", "chat", "loss")))

    play(scenario)


def test_a_click_finds_every_pane_at_the_cursors_place(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        tree_of(app).action_move(-1)
        app.before(MouseDown(app.screen, 1, 1, 0, 0, 1, False, False, False))
        assert shown_by(app, "chat") == 2

    play(scenario)


def test_enter_opens_the_page_and_space_marks(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("space")
        await until(lambda: app.state.ui.marked == (3,))
        await until(lambda: "G3▪" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, GenerationScreen))

    play(scenario)


def test_enter_on_the_base_says_what_can_be_done_with_it(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await selects(app, pilot, "home", None)
        await pilot.press("enter")
        await until(lambda: app.state.notice is not None and "the base has no page" in app.state.notice.text)

    play(scenario)


def test_right_opens_the_details_under_a_line_and_left_closes_them(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await selects(app, pilot, "up", 2)
        await pilot.press("right")
        await until(lambda: "generalization 0.55 is not" in screen_text(app))
        lines = screen_lines(app)
        assert [i for i, line in enumerate(lines) if "✗ G2" in line] < [
            i for i, line in enumerate(lines) if "lr 1.5e-3" in line
        ]
        await pilot.press("left")
        await until(lambda: "lr 1.5e-3" not in screen_text(app))

    play(scenario, size=(80, 24))


def test_slash_filters_and_escape_shows_all_again(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("slash", "r", "e", "j")
        await until(lambda: "G2" in line_with(app, "✗") and not line_with(app, "align"))
        assert len(app.screen_stack) == 1  # r, e, j went into the field: they resumed nothing and opened nothing
        await pilot.press("enter")
        await until(lambda: app.state.ui.selected == 2)
        assert app.focused is tree_of(app)
        await pilot.press("escape")
        await until(lambda: "✓ G1" in screen_text(app))
        assert app.state.ui.selected == 2

    play(scenario, size=(80, 24))


def test_a_filter_that_finds_nothing_says_so(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("slash", "z", "z")
        await until(lambda: "no generation matches" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: "✓ G1" in screen_text(app))

    play(scenario, size=(80, 24))


def test_a_click_chooses_and_a_double_click_opens(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.click("#lineage-tree", offset=(4, 2))
        await until(lambda: app.state.ui.selected == 1)
        await pilot.click("#lineage-tree", offset=(4, 1), times=2)
        await until(lambda: isinstance(app.screen, GenerationScreen))
        assert app.state.ui.selected == 0

    play(scenario)


def test_the_empty_lineage_explains_itself(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await until(lambda: "t trains the first generation" in screen_text(app))
        assert "A lineage is a line of small models" in screen_text(app)
        assert "○ base ◀ HEAD" in screen_text(app)

    play(scenario, size=(80, 24), link=FakeLink(tmp_path, rows=(), head=None))


def training_events(gen: int, parent: int, step: int) -> tuple[Any, ...]:
    plan = {"phase": "converse", "backend": "trl", "method": "lora", "base": "b", "steps": 70, "lr": 1e-3, "seed": 0}
    now = {"loss": 1.0, "lr": 1e-3, "grad_norm": 1.0, "tokens": 9, "tokens_per_s": 1.0, "stage": "s", "epoch": 1.0}
    return (
        RunStarted(**HEADER, **plan, seq=0, gen=gen, parent_gen=parent, threads=2, resumed=False),
        StepChanged(**HEADER, seq=1, step="train", index=1, total=6, label=""),
        TrainStep(**HEADER, **now, seq=1 + step, step=step, total=70, eta_s=30),
    )


def test_a_run_shows_in_the_tree_and_becomes_a_row(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        link.give(ModeChanged("owner", 1, "training"), *training_events(4, 3, 35))
        await until(lambda: "50%" in line_with(app, "▸ G4"))
        await pilot.press("down")  # there is nothing to look at in it yet
        assert app.state.ui.selected == 3
        link.give(*training_events(4, 3, 42)[2:])
        await until(lambda: "60%" in line_with(app, "▸ G4"))
        link.give(LineageLoaded((*lineage()[:3], row(3, 1), row(4, 3, head=True)), 4))
        await until(lambda: "✓ G4 ◀ HEAD" in screen_text(app))
        assert app.state.ui.selected == 4  # it was following HEAD

    play(scenario, size=(80, 24))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_lineage_of_ten_thousand_answers(play: Play, tmp_path: Path, size: tuple[int, int]) -> None:
    one = row(0, None, scores={}, by_ancestor={})
    rows = tuple({**one, "GEN_ID": g, "parent_gen": g - 1 if g else None} for g in range(10_000))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await until(lambda: "G9999 ◀" in screen_text(app))
        tree = tree_of(app)
        for _ in range(20):
            tree.action_move(-1)
        await until(lambda: app.state.ui.selected == 9_979)
        await pilot.press("home")
        await until(lambda: "○ base" in screen_text(app))
        await pilot.press("pagedown")
        await until(lambda: (app.state.ui.selected or 0) > 4)
        await pilot.press("end")
        await until(lambda: "G9999 ◀" in screen_text(app))

    play(scenario, size=size, link=FakeLink(tmp_path, rows=rows, head=9_999))


def test_text_of_a_manifest_cannot_steer_the_terminal_and_markup_is_text(play: Play, tmp_path: Path) -> None:
    nasty = row(0, None, head=True, verdict="rejected", phase="[red]\x1b[2J", reasons=["\x1b]0;x\x07 [bold]so"])

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("right")
        await until(lambda: "[bold]so" in screen_text(app))
        assert "\x1b" not in screen_text(app)
        assert "[red]" in screen_text(app)

    play(scenario, size=(80, 24), link=FakeLink(tmp_path, rows=(nasty,), head=0))


def test_an_ascii_terminal_gets_ascii_in_the_pane(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("up", "right", "space")
        await until(lambda: "G2*" in screen_text(app))
        pane = app.screen.query_one("#lineage").region
        for line in screen_lines(app)[pane.y : pane.bottom]:
            assert line.isascii(), line

    play(scenario, size=(80, 24), pace=FrameRate(frames=50, ascii=True))


def test_a_pane_that_was_hidden_catches_up(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("2")
        link.give(LineageLoaded((*lineage()[:3], row(3, 1), row(4, 3, head=True)), 4))
        await until(lambda: app.state.head == 4)
        assert "G4 ◀ HEAD" not in screen_text(app)
        await pilot.press("1")
        await until(lambda: "▌✓ G4 ◀ HEAD" in screen_text(app))
        await selects(app, pilot, "up", 3)

    play(scenario, size=(80, 24))
