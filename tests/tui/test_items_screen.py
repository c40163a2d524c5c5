"""Every item of an examination, used as a person would: failed ones first, narrowed, searched, read."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text
from unit.cli.cli_fakes import evaluation, item

from luna_tui.console.app import LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.items import ItemsScreen
from luna_tui.console.state.events import EvaluationLoaded, JobEnded, JobProgress, JobStarted


async def opened(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
    """Open the page of HEAD's items, and let the examination come."""
    await pilot.press("i")
    await until(lambda: isinstance(app.screen, ItemsScreen) and link.called("load_evaluation"))
    link.give(EvaluationLoaded("G3", evaluation("G3")))
    await until(lambda: "60 failed" in screen_text(app))
    await pilot.pause()


def under_the_cursor(app: LunaApp) -> str:
    """The prompt in the detail."""
    lines = [line.strip(" │") for line in screen_lines(app)]
    place = next(i for i, line in enumerate(lines) if line.endswith("prompt"))
    return lines[place + 1].split("│")[-1].strip()


def test_until_the_examination_comes_it_says_so(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("i")
        await until(lambda: "reading the items" in screen_text(app))
        assert link.called("load_evaluation") == [("G3",)]

    play(scenario)


def test_what_could_not_be_read_is_told_where_the_items_would_stand(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("i")
        await until(lambda: link.called("load_evaluation"))
        link.give(EvaluationLoaded("G3", None, "eval_items.jsonl is gone"))
        await until(lambda: "eval_items.jsonl is gone" in screen_text(app))

    play(scenario)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_failed_ones_come_first_with_what_was_expected_and_what_came(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        text = screen_text(app)
        assert "G3 12 of 60 failed" in text
        assert under_the_cursor(app) == "Which port is i0 on? [bold]"
        assert "Port 318." in text
        assert "␛[2JPort 7." in text, "what the model said is shown, and steers nothing"

    play(scenario, size=size)


def test_the_cursor_moves_by_one_by_a_page_and_to_the_ends(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        await pilot.press("down")
        await until(lambda: under_the_cursor(app) == "Which port is i5 on? [bold]")
        await pilot.press("up", "up")
        await until(lambda: under_the_cursor(app) == "Which port is i0 on? [bold]")
        await pilot.press("pagedown")
        await until(lambda: under_the_cursor(app) not in ("Which port is i0 on? [bold]", "Which port is i5 on? [bold]"))
        await pilot.press("end")
        last = under_the_cursor(app)
        await pilot.press("down")
        assert under_the_cursor(app) == last
        await pilot.press("home")
        await until(lambda: under_the_cursor(app) == "Which port is i0 on? [bold]")

    play(scenario)


def test_numbers_narrow_it_down(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        await pilot.press("2")
        await until(lambda: "✓" not in "".join(screen_lines(app)[2:-1]))
        await pilot.press("6")
        await until(lambda: "happy to assist" in screen_text(app))
        assert "Which port" not in screen_text(app)
        await pilot.press("1")
        await until(lambda: "63 shown" in screen_text(app))

    play(scenario)


def test_none_of_a_kind_is_said(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await pilot.press("i")
        await until(lambda: link.called("load_evaluation"))
        only_right = evaluation("G3") | {"items": [item("a", 1.0)], "tone": []}
        link.give(EvaluationLoaded("G3", only_right))
        await until(lambda: "0 of 1 failed" in screen_text(app))
        await pilot.press("2")
        await until(lambda: "none of these" in screen_text(app))

    play(scenario)


def test_words_are_searched_and_escape_leaves_the_search_before_the_page(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        await pilot.press("slash", *"i12", "enter")
        await until(lambda: "1 shown" in screen_text(app))
        assert under_the_cursor(app) == "Which port is i12 on? [bold]"
        await pilot.press("escape")
        await until(lambda: "63 shown" in screen_text(app))
        assert isinstance(app.screen, ItemsScreen)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario)


def test_a_terminal_that_changes_its_size_keeps_the_place(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        await pilot.press("down", "down")
        here = under_the_cursor(app)
        for size in ((80, 24), (200, 60), (120, 40)):
            await pilot.resize_terminal(*size)
            await until(lambda: under_the_cursor(app) == here)

    play(scenario)


@pytest.mark.parametrize(
    ("filter_key", "asked", "said"),
    [
        ("1", ("G3",), "v examines it again"),
        ("3", ("G3", "generalization"), "v examines generalization again"),
        ("4", ("G3", "recall"), "v examines recall again"),
        ("6", ("G3", "drift"), "v examines drift again"),
    ],
)
def test_v_runs_the_eval_that_is_looked_at_again(
    play: Play, filter_key: str, asked: tuple[str, ...], said: str
) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[object]) -> None:
        await opened(app, link, pilot)
        await pilot.press(filter_key)
        await until(lambda: said in screen_text(app))
        await pilot.press("v")
        await until(lambda: link.called("evaluate") == [asked])
        link.give(JobStarted("evaluate", "examining G3"), JobProgress("evaluate", "examining G3", 30, 60, 4.0))
        await until(lambda: "examining G3" in screen_text(app) and "50%" in screen_text(app))
        await pilot.press("v")
        await pilot.pause()
        assert link.called("evaluate") == [asked], "one at a time"
        link.give(JobEnded("evaluate", True, "done"))
        await until(lambda: said in screen_text(app))

    play(scenario)
