"""The first paint: with the lineage when it can be had in time, without it when it cannot, and right after a resize."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widget import Widget
from tui.conftest import Play, until
from tui.fake_link import FakeLink, lineage, make_app
from tui.screen_text import screen_text

from engine.core.events import Event
from luna_tui.console.app import LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.state.events import ConsoleEvent
from luna_tui.console.widgets.lineage_list import LineageTree


def first_painted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects the whole screen as it is when the lineage's tree is painted."""
    painted: list[str] = []
    whole = Widget.render_lines

    def render_lines(self: Widget, crop: object) -> object:
        strips = whole(self, crop)  # pyright: ignore[reportArgumentType]
        if isinstance(self, LineageTree) and strips:
            painted.append("\n".join(strip.text for strip in strips))
        return strips

    monkeypatch.setattr(Widget, "render_lines", render_lines)
    return painted


def test_the_first_paint_has_the_lineage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted = first_painted(monkeypatch)

    async def go() -> None:
        app = make_app(FakeLink(tmp_path, rows=lineage(), head=3), tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: painted)
            await pilot.pause()

    asyncio.run(go())
    assert "G3" in painted[0]
    assert "HEAD" in painted[0]


class SlowLink(FakeLink):
    """A disk that answers only when it is let."""

    answers = False

    def poll(self) -> Sequence[Event | ConsoleEvent]:
        return super().poll() if self.answers else ()


def test_a_slow_disk_holds_up_the_lineage_not_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painted = first_painted(monkeypatch)
    link = SlowLink(tmp_path, rows=lineage(), head=3)

    async def go() -> None:
        app = make_app(link, tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: painted)
            await pilot.pause()
            assert isinstance(app.screen, Dashboard)
            assert "reading" in screen_text(app)
            link.answers = True
            await until(lambda: "◀ HEAD" in screen_text(app))

    asyncio.run(go())


def test_garbage_is_collected_again_after_the_first_paint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, play: Play
) -> None:
    async def go(app: LunaApp, link: FakeLink, pilot: object) -> None:
        await until(gc.isenabled)

    gc.disable()
    try:
        play(go)
    finally:
        gc.enable()
        gc.unfreeze()


def test_what_is_painted_first_in_a_new_size_is_size_drawn_it(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[tuple[int, tuple[int, int]]] = []
    whole = LineageTree.render_lines

    def render_lines(self: LineageTree, crop: object) -> object:
        strips = whole(self, crop)  # pyright: ignore[reportArgumentType]
        room = self.scrollable_content_region
        painted.append((self._size_drawn.width, (room.width, room.height)))  # pyright: ignore[reportPrivateUsage]
        return strips

    async def go(app: LunaApp, link: FakeLink, pilot: object) -> None:
        painted.clear()
        await pilot.resize_terminal(200, 60)  # pyright: ignore[reportAttributeAccessIssue]
        await until(lambda: painted)
        await pilot.pause()  # pyright: ignore[reportAttributeAccessIssue]

    monkeypatch.setattr(LineageTree, "render_lines", render_lines)
    play(go)
    assert painted
    assert all(drawn == room[0] for drawn, room in painted)
