"""A workspace that another process holds: who asked is told, and what nobody asked for gives way."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

import pytest
from unit.cli.cli_fakes import make_workspace

from engine.config.load import load_config
from engine.core.events import Event, RunFinished
from engine.pipeline.request import TrainRequest
from engine.service.session import EngineSession, TrainOutcome
from engine.workspace.layout import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(make_workspace(tmp_path / "ws"))


def trained(workspace: Workspace, request: TrainRequest) -> tuple[TrainOutcome, list[Event]]:
    events: SimpleQueue[Event] = SimpleQueue()
    session = EngineSession(workspace, load_config(workspace.root), events)
    session.start()
    with workspace.lock("training"):
        outcome = session.train(request).result(60)
    session.close()
    return outcome, [events.get_nowait() for _ in range(events.qsize())]


def test_what_nobody_asked_for_gives_way_without_a_word(workspace: Workspace) -> None:
    outcome, events = trained(workspace, TrainRequest(phase="converse", inbox_first=True, by_itself=True))
    assert (outcome.gave_way, outcome.finished, events) == (True, [], [])


def test_who_asked_is_told_who_holds_it(workspace: Workspace) -> None:
    outcome, events = trained(workspace, TrainRequest())
    assert (outcome.gave_way, outcome.exit_code) == (False, 1)
    (ended,) = [event for event in events if isinstance(event, RunFinished)]
    assert "this workspace is in use (training, pid" in ended.error
