"""When the inbox is looked at again, and that what was refused is not begun again for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiny_workspace import talk, write_rows
from unit.cli.cli_fakes import FakeEngine, make_workspace

from engine.service.auto_train import AutoTrain
from engine.service.session import TrainOutcome
from engine.workspace.layout import Workspace


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three generations, HEAD at the last one, and an inbox beyond its price."""
    opened = Workspace.open(make_workspace(tmp_path / "ws", generations=3))
    opened.head.append("rollback", gen=2, reason="a hand-written ledger has no HEAD")
    text = re.sub(r"^karma = .*$", "karma = 2.0", opened.config_path.read_text(), flags=re.MULTILINE)
    opened.config_path.write_text(text)
    write_rows(opened.root / "inbox" / "old.jsonl", talk(6))
    return opened


def refused(workspace: Workspace, clock: Clock | None = None) -> AutoTrain:
    """Look, and begin what is refused as bad input."""
    auto_train = AutoTrain(workspace, FakeEngine(), clock or Clock())
    decision = auto_train.look()
    assert decision is not None
    assert decision.action == "train"
    assert decision.request is not None
    assert decision.request.by_itself
    auto_train.note(TrainOutcome(2, []))
    return auto_train


def test_while_nothing_changes_there_is_nothing_new_to_say(workspace: Workspace) -> None:
    clock = Clock()
    auto_train = AutoTrain(workspace, FakeEngine(), clock)
    assert auto_train.look() is not None
    assert auto_train.look() is None
    clock.now = 61.0
    assert auto_train.look() is not None, "the clock may have ended the quiet hours"


def test_what_was_refused_is_told_once_and_waits(workspace: Workspace) -> None:
    auto_train = refused(workspace)
    waiting = auto_train.look()
    assert waiting is not None
    assert waiting.request is None
    assert "it could not be begun" in waiting.why
    assert auto_train.look() is None


@pytest.mark.parametrize("where", ["curriculum/conversations/more.jsonl", "inbox/more.jsonl"])
def test_it_is_tried_again_at_the_next_look_when_the_data_change(workspace: Workspace, where: str) -> None:
    auto_train = refused(workspace)
    auto_train.look()
    write_rows(workspace.root / where, talk(1))
    again = auto_train.look()
    assert again is not None
    assert again.action == "train"


def test_what_ended_otherwise_is_no_refusal(workspace: Workspace) -> None:
    auto_train = AutoTrain(workspace, FakeEngine(), Clock())
    auto_train.look()
    auto_train.note(TrainOutcome(3, []))
    again = auto_train.look()
    assert again is not None
    assert again.action == "train"
