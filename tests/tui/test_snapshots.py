"""How the console looks at fixed sizes; `pytest tests/tui/test_snapshots.py --snapshot-update` takes new pictures."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui import scenes
from tui.conftest import until
from tui.fake_link import make_app

from luna_tui.console.app import FrameRate

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)


@dataclass(frozen=True)
class Shot:
    """A picture: what has happened, which keys were pressed, and what must stand on the screen before it is taken."""

    size: tuple[int, int]
    events: scenes.Events = ()
    keys: tuple[str, ...] = ()
    empty: bool = False
    ascii: bool = False
    theme: str = "luna-dark"


SHOTS = {
    "empty-small": Shot(SMALL, empty=True),
    "empty-large": Shot(LARGE, empty=True),
    "accepted-small": Shot(SMALL, [scenes.machine()]),
    "accepted-middle": Shot(MIDDLE, [scenes.machine()]),
    "accepted-large": Shot(LARGE, [scenes.machine()]),
    "accepted-light": Shot(MIDDLE, [scenes.machine()], theme="luna-light"),
    "accepted-ascii": Shot(SMALL, [scenes.machine()], ascii=True, theme="luna-16"),
    "training-small-loss": Shot(SMALL, scenes.training(), ("2",)),
    "training-middle": Shot(MIDDLE, scenes.training()),
    "rejected-middle": Shot(MIDDLE, scenes.rejected(), ("home", "down", "down", "down")),
    "rejected-small-evals": Shot(SMALL, [scenes.machine()], ("up", "3")),
    "items-middle": Shot(MIDDLE, [], ("i",)),
    "matrix-small": Shot(SMALL, [], ("m",)),
    "matrix-light": Shot(MIDDLE, [], ("m",), theme="luna-light"),
    "versus-large": Shot(LARGE, scenes.versus()),
    "voice-middle": Shot(MIDDLE, scenes.voices(), ("w",)),
    "help-small": Shot(SMALL, [], ("question_mark",)),
}


@pytest.mark.parametrize("name", SHOTS)
def test_it_looks_as_it_did(
    name: str, snap_compare: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = SHOTS[name]

    class Fixed(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.fromtimestamp(scenes.NOW, tz)

    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("luna_tui.console.widgets.lineage_list.datetime", Fixed)
    monkeypatch.setattr("luna_tui.console.widgets.frame.time.time", lambda: scenes.NOW)
    link = scenes.world(tmp_path, empty=shot.empty)
    app = make_app(link, tmp_path, pace=FrameRate(frames=50, ascii=shot.ascii, theme=shot.theme))

    async def before(pilot: Pilot[Any]) -> None:
        await until(lambda: app.state.rows is not None)
        link.give(*shot.events)
        await until(lambda: not link.pending)
        for key in shot.keys:
            await pilot.press(key)
        await until(lambda: not link.pending)
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=shot.size, run_before=before)
