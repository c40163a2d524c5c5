"""From an empty folder to rows in the curriculum: the first page, the import and the real engine behind them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input
from tiny_workspace import talk, write_rows
from tui.conftest import until
from tui.fake_link import make_app
from tui.screen_text import screen_text
from unit.cli.cli_fakes import FakeEngine

from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.import_form import ImportForm
from luna_tui.console.workers.engine_link import EngineLink


def test_ones_own_files_become_the_first_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    source = write_rows(tmp_path / "mine.jsonl", talk(6))
    root = tmp_path / "ws"
    root.mkdir()
    engine = FakeEngine()

    async def go() -> None:
        app = make_app(
            None, root, open_link=lambda path: EngineLink(engine, path), make_workspace=engine.init_workspace
        )
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: "my own files" in screen_text(app))
            await pilot.press("f")
            await until(lambda: isinstance(app.screen, ImportForm) and app.focused is not None)
            app.screen.query_one("#source", Input).value = str(source)
            await pilot.press("enter")
            await until(lambda: "enter import it" in screen_text(app))
            assert not list(root.glob("curriculum/*/*mine*"))
            await pilot.press("enter")
            await until(lambda: "enter esc close" in screen_text(app))
            await pilot.press("escape")
            await until(lambda: isinstance(app.screen, Dashboard))
        assert app.link is not None
        app.link.close(wait=False)

    asyncio.run(go())
    (written,) = root.glob("curriculum/fundamentals/*-mine.jsonl")
    assert len(written.read_text().splitlines()) == 6
