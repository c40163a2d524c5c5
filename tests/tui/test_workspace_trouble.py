"""What the console says when the workspace changes under it: HEAD moved, files renamed, the folder gone."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from tui.fake_link import lineage
from unit.cli.cli_fakes import make_workspace

from engine.models.disk_budget import disk_needed
from engine.service import poller as poller_module
from engine.service.auto_train import AutoTrain
from engine.service.poller import MachineSeen, Poller, Seen, Trouble, WorkspaceSeen
from engine.service.work import Work
from engine.workspace.layout import Workspace
from luna_tui.common.terminal import UNICODE
from luna_tui.console.render.status import draw_status
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import ConsoleEvent, EvaluationLoaded, LineageLoaded, Noted, WorkspaceMissing
from luna_tui.console.workers.seen_words import poller_events


def after(*events: ConsoleEvent) -> ConsoleState:
    state = ConsoleState()
    for event in events:
        state = reduce(state, event)
    return state


def test_the_bases_examination_goes_when_head_moves() -> None:
    """The base sits the exams of the line to HEAD, a generation those of its own."""
    examined = (EvaluationLoaded("base", {"label": "base"}), EvaluationLoaded("G1", {"label": "G1"}))
    seen = after(LineageLoaded(lineage(), 3), *examined)
    assert set(reduce(seen, LineageLoaded(lineage(), 3)).evaluations) == {"base", "G1"}
    assert set(reduce(seen, LineageLoaded(lineage(), 1)).evaluations) == {"G1"}


def test_weights_that_are_renamed_while_they_are_looked_at(tmp_path: Path) -> None:
    workspace = Workspace.open(make_workspace(tmp_path / "ws"))
    cache = workspace.weights_cache / "G0-aa"
    cache.mkdir(parents=True)
    (cache / "model.safetensors").write_bytes(b"1" * 1000)
    (cache / "gone.safetensors").symlink_to(tmp_path / "renamed")  # listed, and not there when it is asked for its size
    assert disk_needed(workspace)
    shutil.rmtree(workspace.weights_cache)
    assert disk_needed(workspace) is None


def polled(root: Path, seen: list[Seen], monkeypatch: pytest.MonkeyPatch) -> Poller:
    """A poller that looks hundreds of times a second and keeps what it has seen."""
    monkeypatch.setattr(poller_module, "_LOOK_EVERY_S", 0.002)
    workspace = Workspace.open(root)
    poller = Poller(workspace, AutoTrain(workspace, Work()), seen.append, idle=lambda: True, machine_every_s=0.001)
    poller.start()
    return poller


def wait_for(seen: list[Seen], kind: type[Seen], count: int = 1) -> list[Seen]:
    deadline = time.monotonic() + 60
    while len(found := [one for one in tuple(seen) if isinstance(one, kind)]) < count:
        assert time.monotonic() < deadline, f"{kind.__name__} was never seen; {seen[-3:]}"
        time.sleep(0.002)
    return found


def test_a_workspace_that_goes_is_told_and_so_is_its_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_workspace(tmp_path / "ws")
    seen: list[Seen] = []
    poller = polled(root, seen, monkeypatch)
    try:
        wait_for(seen, MachineSeen)
        root.rename(tmp_path / "elsewhere")
        wait_for(seen, WorkspaceSeen)
        (tmp_path / "elsewhere").rename(root)
        gone, back = wait_for(seen, WorkspaceSeen, 2)
    finally:
        poller.close()
    missing, noted = poller_events(gone, root, tmp_path / "log")
    assert missing == WorkspaceMissing(True)
    assert isinstance(noted, Noted)
    assert noted.level == "error"
    assert "moved or deleted" in noted.text
    line = draw_status(after(LineageLoaded(lineage(), 3), missing), 120, UNICODE, 0.0).plain
    assert "moved or deleted" in line
    assert "idle" not in line
    there = next(poller_events(back, root, tmp_path / "log"))
    assert "idle" in draw_status(after(LineageLoaded(lineage(), 3), missing, there), 120, UNICODE, 0.0).plain


def test_a_look_that_fails_is_told_once_and_the_poller_looks_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on 6e62aca, where a weights file renamed in the wrong moment ended the looking for good, in silence."""
    root = make_workspace(tmp_path / "ws")
    looks = 0

    def renamed(_workspace: Workspace) -> int | None:
        nonlocal looks
        looks += 1
        raise FileNotFoundError(2, "No such file or directory", "model.safetensors")

    monkeypatch.setattr(poller_module, "disk_needed", renamed)
    seen: list[Seen] = []
    poller = polled(root, seen, monkeypatch)
    try:
        wait_for(seen, Trouble)
        deadline = time.monotonic() + 60
        while looks < 5:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        monkeypatch.setattr(poller_module, "disk_needed", lambda _workspace: None)
        wait_for(seen, MachineSeen)
    finally:
        poller.close()
    assert len([one for one in seen if isinstance(one, Trouble)]) == 1
