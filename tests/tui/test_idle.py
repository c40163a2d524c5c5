"""A console with nothing going on leaves the processor alone, and is awake again with the first key or news."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink, lineage
from tui.screen_text import screen_text

from engine.service import poller
from engine.service.auto_train import AutoTrain
from engine.service.poller import MachineSeen, Poller
from engine.service.work import Work
from engine.workspace.layout import Workspace
from luna_tui.console import app as app_module
from luna_tui.console.app import LunaApp
from luna_tui.console.state.events import ModeChanged, Noted


class AskedLink(FakeLink):
    """Knows when it was asked for news last."""

    asked = 0.0

    def poll(self) -> Sequence[Any]:
        self.asked = time.monotonic()
        return super().poll()

    @property
    def left_alone(self) -> bool:
        return time.monotonic() - self.asked > 0.5


def test_without_news_and_keys_the_link_is_left_alone_until_a_key(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "_CALM_AFTER_S", 0.0)
    monkeypatch.setattr(app_module, "_CALM_EVERY_S", 3600.0)
    link = AskedLink(tmp_path, rows=lineage(), head=3)

    async def scenario(app: LunaApp, _link: FakeLink, pilot: Pilot[Any]) -> None:
        await until(lambda: link.left_alone)
        link.give(Noted("info", "somebody has said something"))
        await pilot.press("down")
        await until(lambda: "somebody has said something" in screen_text(app))

    play(scenario, link=link)


def test_news_are_seen_within_seconds_without_a_key_and_a_run_is_followed_at_every_frame(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "_CALM_AFTER_S", 0.0)
    monkeypatch.setattr(app_module, "_CALM_EVERY_S", 0.6)
    link = AskedLink(tmp_path, rows=lineage(), head=3)

    async def scenario(app: LunaApp, _link: FakeLink, pilot: Pilot[Any]) -> None:
        await until(lambda: link.left_alone)
        link.give(ModeChanged("viewer", 7, "training"))
        await until(lambda: app.state.works)
        monkeypatch.setattr(app_module, "_CALM_EVERY_S", 3600.0)
        began = link.asked
        await until(lambda: link.asked > began)
        link.give(Noted("info", "a step is told"))
        await until(lambda: "a step is told" in screen_text(app))

    play(scenario, link=link)


def test_the_machine_is_looked_at_seldom_until_something_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "_LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(poller, "_CALM_TIMES", 10**9)
    looked: list[object] = []
    workspace = Workspace(tmp_path)

    def tell(seen: object) -> None:
        if isinstance(seen, MachineSeen):
            looked.append(seen)

    watch = Poller(workspace, AutoTrain(workspace, Work()), tell, idle=lambda: False, machine_every_s=0.002)
    monkeypatch.setattr(poller, "_CALM_AFTER_S", 3600.0)
    watch.start()
    try:
        wait_for(lambda: len(looked) >= 3)
        monkeypatch.setattr(poller, "_CALM_AFTER_S", -1.0)
        wait_for(lambda: rests(looked))
        monkeypatch.setattr(poller, "_CALM_AFTER_S", 3600.0)
        watch.stir()
        known = len(looked)
        wait_for(lambda: len(looked) > known)
    finally:
        watch.close()


def rests(looked: list[object]) -> bool:
    """Whether nothing comes for as long as dozens of looks take."""
    known = len(looked)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        if len(looked) > known:
            return False
        time.sleep(0.005)
    return True


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.005)
