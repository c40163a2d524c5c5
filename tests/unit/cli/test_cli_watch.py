"""`watch`: what it says while it waits, when it starts, and when it leaves."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pexpect
import pytest
from tiny_workspace import talk, write_rows
from unit.cli.cli_fakes import FakeEngine
from unit.cli.cli_script import (
    play_accepted,
    play_failed,
    play_gave_way,
    play_refused,
    play_rejected,
)
from unit.cli.conftest import Run, Spawn

from engine.service.engine import Engine
from engine.workspace.layout import Workspace


@pytest.fixture
def workspace(workspace: Path) -> Path:
    """Three generations, and HEAD at the last one."""
    Workspace.open(workspace).head.append("rollback", gen=2, reason="a hand-written ledger has no HEAD")
    return workspace


def set_key(workspace: Path, key: str, value: object) -> None:
    """Change a key of [age_up]."""
    before = (workspace / "luna.toml").read_text()
    after = re.sub(rf"^{key} = .*$", f"{key} = {value}", before, flags=re.MULTILINE)
    assert after != before
    (workspace / "luna.toml").write_text(after)


def earn(workspace: Path, price: float = 2.0) -> None:
    """Fill the inbox beyond its price."""
    set_key(workspace, "karma", price)
    write_rows(workspace / "inbox" / "old.jsonl", talk(6))


def test_a_dry_run_says_what_would_be_done_and_why(run: Run, workspace: Path) -> None:
    engine = FakeEngine()
    waiting = run("-w", workspace, "watch", "--dry-run", engine=engine)
    assert waiting.code == 0
    assert "karma 0 of 60" in waiting.out
    earn(workspace)
    ready = json.loads(run("-w", workspace, "watch", "--dry-run", "--json", engine=engine).out)
    assert (ready["type"], ready["action"], ready["karma"], ready["needed"]) == ("age_up", "train", 3.0, 2.0)
    assert not engine.sessions


@pytest.mark.parametrize(
    ("play", "code"), [(play_accepted, 0), (play_rejected, 3), (play_refused, 2), (play_failed, 1)]
)
def test_once_evolves_one_generation_and_leaves_with_its_code(
    run: Run, workspace: Path, play: object, code: int
) -> None:
    earn(workspace)
    engine = FakeEngine(play)  # type: ignore[arg-type]
    result = run("-w", workspace, "watch", "--once", engine=engine)
    assert result.code == code, result.err
    assert "karma 3 of 2: the inbox has earned a generation" in result.out
    (session,) = engine.sessions
    request = session.request
    assert (request.phase, request.inbox_first, request.generations) == ("converse", True, 1)


def test_mistakes_in_luna_toml_end_it(run: Run, workspace: Path) -> None:
    set_key(workspace, "quiet_hours", '"at night"')
    result = run("-w", workspace, "watch")
    assert result.code == 2
    assert "quiet_hours" in result.err


def test_it_waits_until_the_inbox_has_earned_one_and_ctrl_c_ends_it(spawn: Spawn, workspace: Path) -> None:
    set_key(workspace, "karma", 2.0)
    child = spawn("play_rejected", "-w", workspace, "watch", "--every", "0.1")
    child.expect("karma 0 of 2")
    write_rows(workspace / "inbox" / "old.jsonl", talk(6))
    child.expect("the inbox has earned a generation")
    child.expect("rejected")
    child.kill(signal.SIGINT)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130


def test_one_that_is_refused_is_told_once_and_tried_again_when_the_data_change(spawn: Spawn, workspace: Path) -> None:
    earn(workspace)
    child = spawn("play_refused", "-w", workspace, "watch", "--every", "0.1", columns=200)
    child.expect("the inbox has earned a generation")
    child.expect("1 row is longer")
    child.expect("it could not be begun")
    # Nothing has changed, so nothing more is said, though it looks ten times a second.
    assert child.expect(["earned a generation", "longer", pexpect.TIMEOUT], timeout=1.5) == 2
    assert child.isalive()
    write_rows(workspace / "curriculum" / "conversations" / "more.jsonl", talk(1))
    child.expect("the inbox has earned a generation")
    child.expect("1 row is longer")
    child.expect("it could not be begun")
    child.kill(signal.SIGINT)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130


def test_one_that_failed_for_another_reason_ends_it(run: Run, workspace: Path) -> None:
    earn(workspace)
    engine = FakeEngine(play_failed)
    assert run("-w", workspace, "watch", engine=engine).code == 1
    assert len(engine.sessions) == 1


def test_who_was_quicker_is_waited_for_and_ends_nothing(run: Run, workspace: Path) -> None:
    """A console began a generation between the look and the lock: on 6e62aca `watch` ended with "in use"."""
    earn(workspace)
    plays = iter((play_gave_way, play_gave_way, play_accepted))
    engine = FakeEngine(lambda session: next(plays)(session))
    result = run("-w", workspace, "watch", "--once", "--every", "0.1", engine=engine)
    assert result.code == 0, result.err
    assert len(engine.sessions) == 3


def test_a_ctrl_c_while_a_generation_is_put_away_is_not_lost(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Engine.close

    def interrupted(engine: Engine, *, finish_training: bool = False) -> None:
        signal.raise_signal(signal.SIGINT)
        close(engine, finish_training=finish_training)

    monkeypatch.setattr(Engine, "close", interrupted)
    earn(workspace)
    assert run("-w", workspace, "watch", engine=FakeEngine(play_rejected)).code == 130
