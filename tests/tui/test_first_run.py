"""Where there is no workspace: the four ways on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from tui.conftest import until
from tui.fake_link import FakeLink, make_app
from tui.screen_text import screen_lines, screen_text

from engine.core.errors import UsageError
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.first_run import FirstRun
from luna_tui.console.screens.import_form import ImportForm

Scenario = Callable[[LunaApp, "World", Pilot[Any]], Awaitable[None]]


class World:
    """What was made and opened."""

    def __init__(self) -> None:
        self.made: list[tuple[Path, bool]] = []
        self.opened: list[Path] = []
        self.fault: Exception | None = None

    def make(self, directory: Path, demo: bool) -> None:
        if self.fault is not None:
            raise self.fault
        self.made.append((directory, demo))

    def open(self, directory: Path) -> FakeLink:
        self.opened.append(directory)
        return FakeLink(directory, rows=())


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


def play(directory: Path, scenario: Scenario, size: tuple[int, int] = (80, 24), *, ascii: bool = False) -> World:
    world = World()

    async def go() -> None:
        pace = FrameRate(frames=50, ascii=ascii)
        app = make_app(None, directory, open_link=world.open, make_workspace=world.make, pace=pace)
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(lambda: "See the demo" in screen_text(app))
            await scenario(app, world, pilot)

    asyncio.run(go())
    return world


@pytest.mark.parametrize("keys", [["enter"], ["1"], ["d"]])
def test_the_demo_goes_into_an_empty_directory(tmp_path: Path, keys: list[str]) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press(*keys)
        await until(lambda: isinstance(app.screen, Dashboard))

    world = play(tmp_path, scenario)
    assert world.made == [(tmp_path, True)]
    assert world.opened == [tmp_path]


def test_the_demo_gets_a_folder_of_its_own_beside_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        assert "Goes into demo/ here." in " ".join(screen_text(app).split())
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, Dashboard))

    assert play(tmp_path, scenario).made == [(tmp_path / "demo", True)]


@pytest.mark.parametrize("keys", [["2"], ["n"], ["down", "enter"]])
def test_a_workspace_of_ones_own_is_made_here(tmp_path: Path, keys: list[str]) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press(*keys)
        await until(lambda: isinstance(app.screen, Dashboard))

    assert play(tmp_path, scenario).made == [(tmp_path, False)]


@pytest.mark.parametrize("key", ["4", "f"])
def test_ones_own_files_are_asked_for_once_the_workspace_is_made(tmp_path: Path, key: str) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press(key)
        await until(lambda: isinstance(app.screen, ImportForm) and "[fundamentals]" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    world = play(tmp_path, scenario)
    assert (world.made, world.opened) == ([(tmp_path, False)], [tmp_path])


def test_ones_own_files_are_not_asked_for_where_no_workspace_can_be_made(tmp_path: Path) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        world.fault = UsageError("no room", where="x", hint="")
        await pilot.press("f")
        await until(lambda: "no room" in screen_text(app))
        assert isinstance(app.screen, FirstRun)

    play(tmp_path, scenario)


def test_another_workspace_is_opened_by_its_path(tmp_path: Path) -> None:
    other = tmp_path / "other one"
    other.mkdir()

    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press("o")
        await until(lambda: app.screen.query_one("#directory").has_focus)
        await pilot.press("enter")
        await until(lambda: "name a folder" in screen_text(app))
        await pilot.press(*"/no/quit", "enter")
        await until(lambda: "there is no /no/quit" in screen_text(app))
        app.screen.query_one(Input).value = str(other)
        await pilot.press("enter")
        await until(lambda: "there is no luna.toml" in screen_text(app).replace("\n", " "))
        assert not world.opened
        (other / "luna.toml").write_text("")
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, Dashboard))

    world = play(tmp_path, scenario)
    assert world.opened == [other]
    assert not world.made


def test_escape_gives_up_the_path_and_then_leaves(tmp_path: Path) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press("3")
        await until(lambda: app.screen.query_one("#directory").has_focus)
        await pilot.press("q", "escape")
        await until(lambda: app.screen.query_one("#choices").has_focus)
        assert app.return_value is None
        await pilot.press("escape")
        await until(lambda: app.return_value == "done")

    play(tmp_path, scenario)


def test_q_leaves(tmp_path: Path) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press("q")
        await until(lambda: app.return_value == "done")

    play(tmp_path, scenario)


def test_keys_of_the_console_do_nothing_yet(tmp_path: Path) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press("t", "s", "v", "x", "y", "question_mark", "5", "6")
        await pilot.pause()
        assert isinstance(app.screen, FirstRun)
        assert (world.made, world.opened, app.return_value) == ([], [], None)

    play(tmp_path, scenario)


def test_what_cannot_be_made_is_said_and_one_can_choose_again(tmp_path: Path) -> None:
    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        world.fault = UsageError("there is a file where the workspace should go", where="[b]x", hint="choose another")
        await pilot.press("n")
        await until(lambda: "where the workspace should go" in " ".join(screen_text(app).split()))
        assert isinstance(app.screen, FirstRun)
        world.fault = None
        await pilot.press("n")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(tmp_path, scenario, size=(120, 40))


def test_a_demo_that_was_made_before_is_opened(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "luna.toml").write_text("")
    world = World()

    async def go() -> None:
        app = make_app(None, tmp_path, open_link=world.open, make_workspace=world.make)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: "Open the demo" in screen_text(app))
            await pilot.press("1")
            await until(lambda: isinstance(app.screen, Dashboard))

    asyncio.run(go())
    assert world.opened == [tmp_path / "demo"]
    assert world.made == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_everything_is_in_sight_in_ascii_too_in_a_folder_with_a_long_name(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    folder = tmp_path / ("a folder with a name that is as long as names of folders are" * 2)
    folder.mkdir()

    async def scenario(app: LunaApp, world: World, pilot: Pilot[Any]) -> None:
        await pilot.press("3", *"nowhere", "enter")
        wanted = (
            "luna evolves a small language model",
            "See the demo",
            "of my own",
            "another",
            "my own files",
            "leave",
            "x there is",
        )
        await until(lambda: all(words in screen_text(app) for words in wanted))
        assert screen_text(app).isascii()
        assert all(len(line) <= size[0] for line in screen_lines(app))

    play(folder, scenario, size, ascii=True)
