"""A training that a process of its own takes over ends in the same bytes as one that nobody left."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.events import CheckpointSaved, RunFinished, TrainStep
from engine.core.journal import read_journal
from engine.workspace.attach import unfinished
from engine.workspace.runs import list_runs
from engine.workspace.verify import verify_workspace
from luna_tui.common.handover import hand_over

pytestmark = pytest.mark.slow


def test_it_goes_on_to_the_last_bit(tiny: TinyWorkspace, lineage: TinyWorkspace) -> None:
    stopped = tiny.stop_at(lambda event: isinstance(event, TrainStep) and event.step == 11, generations=2)
    assert stopped.exit_code == 130
    assert any(isinstance(event, CheckpointSaved) for event in tiny.events)
    for name in ("random.py", "json.py"):
        (tiny.root / name).write_text("raise SystemExit('the workspace was taken for code')\n")
    pid = hand_over(tiny.root, generations=2, resume=True, arguments=[])
    log = tiny.workspace.runs / "headless.log"
    _, status = _wait(pid)
    assert os.waitstatus_to_exitcode(status) == 0, log.read_text()

    assert tiny.shas() == lineage.shas()[:2], "the resumed generation and one more, the same bytes"
    assert verify_workspace(tiny.workspace).ok
    assert unfinished(tiny.workspace) is None
    journal = list(read_journal(list_runs(tiny.workspace)[0][0].journal))
    assert [event.step for event in journal if isinstance(event, TrainStep)] == list(range(1, 41))
    assert [event.verdict for event in journal if isinstance(event, RunFinished)] == ["interrupted", "accepted"]
    assert "\x1b" not in log.read_text()


def _wait(pid: int) -> tuple[int, int]:
    """Wait for a child that may hang, and then end it."""
    until = time.monotonic() + 400
    while time.monotonic() < until:
        found = os.waitpid(pid, os.WNOHANG)
        if found[0]:
            return found
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)
