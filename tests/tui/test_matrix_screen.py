"""The forgetting matrix, used as a person would: opened, read, filled, stopped, and left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text
from unit.cli.cli_matrix import matrix

from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.matrix import MatrixScreen
from luna_tui.console.state.events import JobEnded, JobProgress, JobStarted, MatrixLoaded

SIZES = [(80, 24), (120, 40), (200, 60)]


async def opened(app: LunaApp, link: FakeLink, pilot: Pilot[object], gens: int = 4, *, known: bool = False) -> None:
    """Open the matrix of HEAD's line, and let it come."""
    await pilot.press("m")
    await until(lambda: isinstance(app.screen, MatrixScreen) and link.called("load_matrix"))
    link.give(MatrixLoaded("G3", matrix(gens, known=known)))
    await until(lambda: "its own exam" in screen_text(app))
    await pilot.pause()


def row(app: LunaApp, label: str) -> list[str]:
    """The cells of a row of the map."""
    return next(line.split()[1:] for line in screen_lines(app) if line.split()[:1] == [label])


def test_until_the_matrix_comes_it_says_so(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("m")
        await until(lambda: "reading the matrix" in screen_text(app))
        assert link.called("load_matrix") == [("G3",)]
        await pilot.press("f")
        await pilot.pause()
        assert link.called("fill_matrix") == []

    play(scenario)


@pytest.mark.parametrize("size", SIZES)
def test_the_map_the_figures_and_what_falls_are_on_one_page(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        assert row(app, "base") == ["·"] * 4
        assert row(app, "G1") == [".95", "[.97]", "·", "·"]
        assert row(app, "G3") == [".89!", ".97", ".97", "[.97]"]
        words = " ".join(screen_text(app).split())
        assert "the exam of G0 is falling: 0.980 when it was new, 0.890 at G3" in words
        assert "10 cells were not asked yet: f asks for them" in words
        assert "BWT -0.030" in words

    play(scenario, size=size)


def test_f_fills_it_and_every_cell_shows_when_it_is_known(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        await pilot.press("f")
        await until(lambda: link.called("fill_matrix") == [("G3",)])
        link.give(JobStarted("matrix", "matrix of G3"), JobProgress("matrix", "matrix of G3: base", 50, 100, 4.0))
        await until(lambda: "50%" in screen_text(app) and "esc stops it" in screen_text(app))
        await pilot.press("f")
        await until(lambda: "still going on" in screen_text(app))
        assert len(link.called("fill_matrix")) == 1, "one at a time"
        link.give(MatrixLoaded("G3", matrix()))
        await until(lambda: row(app, "base") == [".05"] * 4)
        link.give(JobEnded("matrix", True, "the matrix of G3 is filled"))
        await until(lambda: "the matrix of G3 is filled" in screen_text(app))
        assert "f fill" not in screen_text(app)

    play(scenario)


def test_escape_stops_the_filling_before_it_leaves(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        link.give(JobStarted("matrix", "matrix of G3"))
        await until(lambda: "esc stops it" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: link.called("cancel_job"))
        assert isinstance(app.screen, MatrixScreen)
        link.give(JobEnded("matrix", True, "matrix of G3: cancelled"))
        await until(lambda: "cancelled" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario)


def test_what_went_wrong_is_told_on_the_page(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("m")
        await until(lambda: link.called("load_matrix"))
        link.give(MatrixLoaded("G3", None, "exam.jsonl cannot be read"))
        await until(lambda: "exam.jsonl cannot be read" in screen_text(app))

    play(scenario)


def test_a_line_without_exams_says_so(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("m")
        await until(lambda: link.called("load_matrix"))
        link.give(MatrixLoaded("G3", matrix() | {"exams": [], "rows": [], "missing": 0}))
        await until(lambda: "no generation of this line has an exam here" in screen_text(app))

    play(scenario)


def test_the_base_has_no_matrix(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        app.change(replace(app.state, ui=replace(app.state.ui, selected=None, followed=False)))
        await pilot.press("m")
        await until(lambda: "choose a generation" in screen_text(app))
        assert isinstance(app.screen, Dashboard)

    play(scenario)


def test_more_exams_than_fit_are_reached_sideways_and_down(play: Play) -> None:
    def exams(app: LunaApp) -> list[str]:
        return next(line.split()[1:] for line in screen_lines(app) if line.split()[:1] == ["exam"])

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("m")
        await until(lambda: link.called("load_matrix"))
        link.give(MatrixLoaded("G3", matrix(30)))
        await until(lambda: "of 30" in screen_text(app))
        assert exams(app)[-1] == "G29", "the latest first"
        for _ in range(40):
            await pilot.press("left")
        await until(lambda: exams(app)[0] == "G0")
        await pilot.press("right")
        await until(lambda: exams(app)[0] == "G1")
        await pilot.press("end")
        await until(lambda: "BWT" in screen_text(app))
        assert exams(app)[0] == "G1", "the heading stays"
        await pilot.resize_terminal(200, 60)
        await until(lambda: exams(app)[0] == "G0")

    play(scenario, size=(80, 24))


def test_it_is_ascii_where_only_that_can_be_shown(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        assert row(app, "base") == ["."] * 4
        assert screen_text(app).isascii()

    play(scenario, size=(80, 24), pace=FrameRate(frames=50, ascii=True, theme="luna-16"))
