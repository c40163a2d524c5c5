"""The page that imports a file or folder: what it would bring is shown before it is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_lines, screen_text

from engine.data.incoming.sieve import Tally
from engine.data.rows import BadRow
from engine.service.inbox_import import Imported
from engine.service.requests import ImportRequest
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.import_form import ImportForm
from luna_tui.console.state.events import ImportLoaded, JobProgress, JobStarted


def shows(app: LunaApp, *words: str) -> bool:
    lines = screen_lines(app)
    if isinstance(app.screen, ImportForm):  # the form alone, without what is beside it
        x, y, width, height = app.screen.query_one(".dialog").content_region
        lines = [line[x : x + width] for line in lines[y : y + height]]
    text = " ".join(" ".join(lines).split())
    return all(word in text for word in words)


def found(source: Path, path: Path | None = None, *, rows: int = 6, **more: Any) -> Imported:
    tally = Tally(Counter(qa=rows), known=2, near=1, examples=[("a.jsonl:3", "a.jsonl:1")])
    values = {"redacted": {}, "bad": (BadRow("a.jsonl", 9, "no \x1b[31manswer"),), "too_long": 0, "unmeasured": 0}
    return Imported(source, path, rows, tally, notes=(), **{**values, **more})


async def opened(app: LunaApp, pilot: Pilot[Any], typed: str) -> None:
    await pilot.press("I")
    await until(lambda: isinstance(app.screen, ImportForm) and app.focused is not None)
    app.screen.query_one("#source", Input).value = typed
    await pilot.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_it_is_looked_at_then_imported_then_left(play: Play, tmp_path: Path, size: tuple[int, int]) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text("")

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, str(source))
        await until(lambda: link.called("bring_in"))
        assert link.called("bring_in") == [(ImportRequest(source),)]
        link.give(ImportLoaded(ImportRequest(source), found(source)))
        await until(lambda: shows(app, "6 new rows, 2 known already", "6 questions with their answers"))
        assert shows(app, "1 near duplicate left out", '"near repeats" takes them', "enter import it")
        app.screen.query_one("#found").scroll_end(animate=False)
        await until(lambda: shows(app, "line 9 left out: no ␛[31manswer"))
        await pilot.press("enter")
        await until(lambda: len(link.called("bring_in")) == 2)
        assert link.called("bring_in")[1] == (ImportRequest(source, write=True),)
        written = found(source, tmp_path / "inbox" / "today-a.jsonl")
        link.give(ImportLoaded(ImportRequest(source, write=True), written))
        await until(lambda: shows(app, "✓ inbox/today-a.jsonl: 6 new rows", "enter esc close"))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, Dashboard))
        assert len(link.called("bring_in")) == 2

    play(scenario, size=size)


def test_what_is_changed_after_the_look_is_looked_at_again(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_AT.UTF-8")

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, str(tmp_path))
        await until(lambda: link.called("bring_in"))
        link.give(ImportLoaded(ImportRequest(tmp_path), found(tmp_path)))
        await until(lambda: shows(app, "6 new rows"))
        await pilot.press("tab", "right", "right", "tab", "space", "tab", "right")
        await until(lambda: shows(app, "[conversations]", "[mask]", "[take]") and not shows(app, "new rows"))
        await pilot.press("enter")
        await until(lambda: len(link.called("bring_in")) == 2)
        wish = ImportRequest(tmp_path, "conversations", "AT", keep_near=True)
        assert link.called("bring_in")[1] == (wish,)
        link.give(ImportLoaded(wish, found(tmp_path, redacted={"mail address": 2})))
        await until(lambda: shows(app, "masked: 2 mail addresses; national phone numbers of AT"))

    play(scenario)


def test_escape_stops_what_is_going_on_and_then_leaves(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, str(tmp_path))
        link.give(JobStarted("import", "reading x"), JobProgress("import", "reading x: a.jsonl", 3, 4, 2.0))
        await until(lambda: shows(app, "reading x: a.jsonl", "75%", "esc cancels"))
        await pilot.press("enter", "escape")
        await until(lambda: shows(app, "stopping"))
        assert (len(link.called("bring_in")), link.called("cancel_import")) == (1, [()])
        link.give(ImportLoaded(ImportRequest(tmp_path), None, "cancelled: nothing was written"))
        await until(lambda: shows(app, "✗ cancelled: nothing was written", "enter look"))
        await pilot.press("enter")
        await until(lambda: len(link.called("bring_in")) == 2)
        await pilot.press("escape", "escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "name a file or a folder"), ("/no/quit", "there is no /no/quit"), ("~nobody-here/x", "Could not determine")],
)
def test_a_path_that_is_none_is_one_message(play: Play, typed: str, said: str) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, typed)
        await until(lambda: shows(app, f"x {said}"))
        assert screen_text(app).isascii()
        assert not link.called("bring_in")

    play(scenario, size=(80, 24), pace=FrameRate(frames=50, ascii=True))


def test_home_is_where_it_is(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, " ~ ")
        await until(lambda: link.called("bring_in") == [(ImportRequest(tmp_path),)])

    play(scenario)


def test_what_cannot_be_read_and_what_brings_nothing_is_not_imported(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, pilot, str(tmp_path))
        link.give(ImportLoaded(ImportRequest(tmp_path), None, "x: no data file", "docs/data.md names them"))
        await until(lambda: shows(app, "✗ x: no data file", "docs/data.md names them"))
        await pilot.press("enter")
        await until(lambda: len(link.called("bring_in")) == 2)
        link.give(ImportLoaded(ImportRequest(tmp_path), found(tmp_path, rows=0)))
        await until(lambda: shows(app, "0 new rows"))
        await pilot.press("enter")
        await until(lambda: shows(app, "✗ there is nothing new in it to import", "0 new rows"))
        assert [call[0].write for call in link.called("bring_in")] == [False, False]

    play(scenario)


def test_a_config_in_error_is_told_first(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("I")
        await until(lambda: shows(app, "luna.toml is wrong"))
        assert isinstance(app.screen, Dashboard)

    link = FakeLink(tmp_path, rows=(), problem={"title": "luna.toml is wrong", "where": "", "hint": ""})
    play(scenario, link=link)


def test_a_stage_behind_long_names_comes_into_sight(play: Play, tmp_path: Path) -> None:
    class Long(FakeLink):
        def stages(self) -> tuple[str, ...]:
            return tuple(f"a stage with a long name {number}" for number in range(4))

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("I")
        await until(lambda: isinstance(app.screen, ImportForm) and app.focused is not None)
        await pilot.press("tab", "left")
        await until(lambda: shows(app, "[a stage with a long name 3]"))
        await pilot.press("right")
        await until(lambda: shows(app, "[the inbox]"))
        assert all(len(line) <= 80 for line in screen_lines(app))

    play(scenario, link=Long(tmp_path, rows=()), size=(80, 24))
