"""What the console says when the workspace changes under it: HEAD moved, files renamed, the folder gone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tui.fake_link import lineage
from unit.cli.cli_fakes import make_workspace

from engine.workspace.layout import Workspace
from luna_tui.common.engine_facade import Engine
from luna_tui.common.terminal import UNICODE
from luna_tui.console.render.status import draw_status
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import ConsoleEvent, EvaluationLoaded, LineageLoaded, Noted, WorkspaceMissing
from luna_tui.console.workers.loader import Loader
from luna_tui.console.workers.lock_poller import LockPoller


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
    told: list[Any] = []
    reading = Loader(Engine(), workspace, None, told.append, tmp_path / "log")  # type: ignore[arg-type]
    assert reading.disk_needed()
    shutil.rmtree(workspace.weights_cache)
    assert reading.disk_needed() is None


def test_a_workspace_that_goes_is_told_and_so_is_its_return(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "ws")
    told: list[ConsoleEvent] = []
    watching = LockPoller(Workspace.open(root), told.append, machine_every_s=1.0, need_disk=lambda: None)
    missing = watching._tell_if_missing(before=False)
    assert (missing, told) == (False, [])
    root.rename(tmp_path / "elsewhere")
    missing = watching._tell_if_missing(before=missing)
    missing = watching._tell_if_missing(before=missing)
    gone, noted = told
    assert gone == WorkspaceMissing(True)
    assert isinstance(noted, Noted)
    assert noted.level == "error"
    assert "moved or deleted" in noted.text
    line = draw_status(after(LineageLoaded(lineage(), 3), gone), 120, UNICODE, 0.0).plain
    assert "moved or deleted" in line
    assert "idle" not in line
    (tmp_path / "elsewhere").rename(root)
    assert not watching._tell_if_missing(before=missing)
    assert "idle" in draw_status(after(LineageLoaded(lineage(), 3), *told[:1], told[2]), 120, UNICODE, 0.0).plain
