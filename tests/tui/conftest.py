"""Pilot tests: the console on a scripted link."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual._context import active_app
from textual.pilot import Pilot
from tui.fake_link import FakeLink, lineage, make_app

from luna_tui.console.app import LunaApp

Scenario = Callable[[LunaApp, FakeLink, "Pilot[object]"], Awaitable[None]]
Play = Callable[..., None]


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition never came true")
        await asyncio.sleep(0.01)


async def settled(*_seconds: float) -> None:
    """Wait until the app has had the time for a frame and every widget has taken all that was sent to it.

    Stands for Textual's own wait, which takes a process for idle that got no processor for a fiftieth of a second, and
    waits a whole second for one whose timers are busy.
    """
    await asyncio.sleep(1 / 50)
    try:
        pilot = Pilot(active_app.get())
    except LookupError:
        return
    for _ in range(3):  # what a message's handler sends is taken in the next round
        await pilot._wait_for_screen()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.pilot.wait_for_idle", settled)
    monkeypatch.setattr("textual.app.wait_for_idle", settled)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """`play(scenario, size=(120, 40), rows=…, head=…)` runs a scenario on the app."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")

    def run(
        scenario: Scenario, *, size: tuple[int, int] = (120, 40), link: FakeLink | None = None, **more: object
    ) -> None:
        world = link or FakeLink(tmp_path, rows=lineage(), head=3)

        async def go() -> None:
            app = make_app(world, tmp_path, **more)
            async with app.run_test(size=size) as pilot:
                await until(lambda: app.state.rows is not None)
                await pilot.pause()
                await scenario(app, world, pilot)

        asyncio.run(go())

    return run
