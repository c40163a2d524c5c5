"""luna.toml on the screen, and in the person's editor."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from luna_tui.console.app import LunaApp
from luna_tui.console.screens.config_view import ConfigView, draw_toml, editor_command

SMALL = (80, 24)


async def put(app: LunaApp, screen: Screen[Any]) -> list[Any]:
    """Put a question on the screen; its answer will be in the list."""
    answers: list[Any] = []
    app.push_screen(screen, answers.append)
    await until(lambda: app.screen is screen and screen.is_mounted and app.focused is not None)
    return answers


@contextlib.contextmanager
def no_suspension() -> Iterator[None]:
    yield


def editor(tmp_path: Path, line: str, code: int = 0) -> str:
    script = tmp_path / "my editor.sh"
    script.write_text(f'#!/bin/sh\n[ "$1" = -w ] && shift\n{line}\nexit {code}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return f"'{script}' -w"


def config_view(path: Path, problems: dict[str, dict[str, str]]) -> ConfigView:
    """The view of a file; it is wrong if one of the words is in it."""

    def problem() -> dict[str, str] | None:
        text = path.read_text()
        return next((found for word, found in problems.items() if word in text), None)

    return ConfigView(path, path.read_text, problem)


BAD = {"bad": {"title": "no such key: bad", "where": "luna.toml, line 2", "hint": "take it out\nor write good"}}


def test_the_config_is_shown_with_its_problem(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "luna.toml"
    path.write_text('# [b]what\x1b[31m it is\n[model]\nbase = "x"\nbad = 1\n')

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        answers = await put(app, config_view(path, BAD))
        await until(lambda: "no such key: bad" in screen_text(app))
        shown = screen_text(app)
        assert "luna.toml, line 2" in shown
        assert "or write good" in shown
        assert "1  # [b]what␛[31m it is" in shown
        assert '3  base = "x"' in shown
        await pilot.press("escape")
        await until(lambda: answers)
        assert answers == [False]

    play(scenario, size=SMALL)


def test_editing_closes_the_view_when_the_file_is_right(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "luna.toml"
    path.write_text("a = 1\n")
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'echo "b = 2" >> "$1"'))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        monkeypatch.setattr(app, "suspend", no_suspension)
        answers = await put(app, config_view(path, BAD))
        await pilot.press("e")
        await until(lambda: answers)
        assert answers == [True]
        assert path.read_text() == "a = 1\nb = 2\n"

    play(scenario, size=SMALL)


def test_a_file_that_is_wrong_after_editing_stays_on_the_screen(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "luna.toml"
    path.write_text("a = 1\n")
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'echo "bad = 2" >> "$1"'))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        monkeypatch.setattr(app, "suspend", no_suspension)
        answers = await put(app, config_view(path, BAD))
        await pilot.press("e")
        await until(lambda: "no such key: bad" in screen_text(app) and "2  bad = 2" in screen_text(app))
        assert not answers
        await pilot.press("escape")
        await until(lambda: answers)
        assert answers == [True]

    play(scenario, size=SMALL)


def test_an_editor_that_changes_nothing_keeps_the_view(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "luna.toml"
    path.write_text("a = 1\n")
    monkeypatch.setenv("VISUAL", editor(tmp_path, "true", code=3))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        monkeypatch.setattr(app, "suspend", no_suspension)
        answers = await put(app, config_view(path, BAD))
        await pilot.press("e")
        await until(lambda: "The editor ended with 3" in screen_text(app))
        await pilot.press("q")
        await until(lambda: answers)
        assert answers == [False]

    play(scenario, size=SMALL)


def test_where_no_editor_can_run_the_path_is_told(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "luna.toml"
    path.write_text("a = 1\n")

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await put(app, config_view(path, BAD))
        await pilot.press("e")  # the headless driver cannot be suspended
        await until(lambda: "No editor can be opened here" in screen_text(app))
        assert "luna.toml" in screen_text(app)

    play(scenario, size=SMALL)


def test_a_changed_config_is_read_again(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "luna.toml").write_text("a = 1\n")
    monkeypatch.setenv("VISUAL", editor(tmp_path, 'echo "b = 2" >> "$1"'))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        monkeypatch.setattr(app, "suspend", no_suspension)
        monkeypatch.setattr(link, "config_text", (tmp_path / "luna.toml").read_text)
        await pilot.press("o")
        await until(lambda: isinstance(app.screen, ConfigView))
        await pilot.press("e")
        await until(lambda: link.called("reload_config"))

    play(scenario, size=SMALL)


def test_the_editor_is_the_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert editor_command({}) is None
    for name in ("vi", "mine"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    assert editor_command({}) == ["vi"]
    assert editor_command({"EDITOR": "mine -n"}) == ["mine", "-n"]
    assert editor_command({"VISUAL": "gone", "EDITOR": "mine"}) == ["mine"]
    assert editor_command({"VISUAL": "vi '", "EDITOR": "mine"}) == ["mine"]


def test_long_lines_of_the_config_are_folded() -> None:
    lines = draw_toml("a = 1\n# " + "x" * 60 + "\n", 40)
    assert all(line.cell_len <= 40 for line in lines)
    assert [line.plain[:5] for line in lines] == ["  1  ", "  2  ", "     "]
    assert "".join(line.plain[5:] for line in lines[1:]) == "# " + "x" * 60
