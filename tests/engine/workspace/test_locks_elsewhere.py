"""A workspace on a file system without locks that hold: two trainers, doctor, watch, and a GEN_ID that is taken."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.errors import LunaError
from engine.core.events import Event, LogLine, StepChanged
from engine.diagnostics.workspace_checks import examine
from engine.pipeline.rollback import rollback
from engine.service.auto_train import decide, stamp
from engine.service.session import EngineSession
from engine.workspace.attach import lock_holder, request_stop
from engine.workspace.verify import verify_workspace
from ledger.hashing import sha256_file


@pytest.fixture(params=["granted to all", "ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def no_flock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    def flock(*_: Any) -> None:
        if request.param != "granted to all":
            code = int(getattr(errno, request.param))
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    return str(request.param)


def test_of_two_trainers_one_is_refused_and_nothing_is_lost(tiny: TinyWorkspace, no_flock: str) -> None:
    second = TinyWorkspace(tiny.root)
    refused: list[str] = []

    def train_beside(event: Event, _: EngineSession) -> None:
        if isinstance(event, StepChanged) and event.step == "train" and not refused:
            assert second.train().exit_code == 1
            refused.append(second.last.error)
            holder = lock_holder(tiny.workspace)
            assert holder is not None
            assert (holder.pid, holder.purpose) == (os.getpid(), "training")

    outcome = tiny.train(on_event=train_beside)
    assert outcome.exit_code == 0, tiny.last.error
    assert f"in use (training, pid {os.getpid()}" in refused[0]
    assert any("owner file" in line.text for line in tiny.of(LogLine)), "and it says how it keeps others out"
    assert verify_workspace(tiny.workspace).ok
    assert lock_holder(tiny.workspace) is None


def test_looks_and_moves_work_without_locks(evolved: TinyWorkspace, no_flock: str) -> None:
    workspace = evolved.workspace
    workspace.lock_path.write_text('{"pid": 1, "purpose": "training", "since": 1.0}')  # as a killed process leaves it
    assert lock_holder(workspace) is None
    assert request_stop(workspace) is None
    stamp(workspace, evolved.config())
    assert "in use" not in decide(workspace, evolved.config(), datetime.now()).why
    assert rollback(workspace, "G1", reason="a test") == {"from": 3, "to": 1}
    findings = {finding.what: finding for finding in examine(workspace.root)}
    assert findings["locks"].level == "warn"
    assert ("to everybody" if no_flock == "granted to all" else "no file locks") in findings["locks"].detail


def test_doctor_finds_nothing_wrong_with_locks_that_hold(evolved: TinyWorkspace) -> None:
    before = sorted(evolved.root.rglob("*"))
    findings = {finding.what: finding for finding in examine(evolved.root)}
    assert (findings["locks"].level, findings["writing"].level) == ("ok", "ok")
    assert sorted(evolved.root.rglob("*")) == before, "it leaves nothing behind"


@pytest.mark.parametrize("row_too", [True, False], ids=["recorded", "complete, its row not yet there"])
def test_a_generation_that_was_recorded_meanwhile_is_not_replaced(
    tiny: TinyWorkspace, lineage: TinyWorkspace, row_too: bool
) -> None:
    """As if no lock had held: another process records G0 while this one is about to."""
    theirs: dict[Path, str] = {}

    def record_beside(event: Event, _: EngineSession) -> None:
        if isinstance(event, StepChanged) and event.step == "record":
            models, other = tiny.workspace.models, lineage.workspace
            shutil.copytree(other.generation(0), tiny.workspace.generation(0))
            shutil.copy(other.gguf(0), models)
            if row_too:
                header, first = other.ledger.path.read_text().splitlines(keepends=True)[:2]
                (models / "lineage_ledger.csv").write_text(header + first)
            kept = [tiny.workspace.gguf(0), *tiny.workspace.generation(0).rglob("*")]
            theirs.update({path: sha256_file(path) for path in kept if path.is_file()})

    outcome = tiny.train(on_event=record_beside, seed=7)
    assert outcome.exit_code == 1
    assert "G0 was recorded by another process" in tiny.last.error
    assert theirs
    assert {path: sha256_file(path) for path in theirs} == theirs, "not a byte of the recorded generation has changed"


def test_a_workspace_that_cannot_be_locked_at_all_says_so(tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(LunaError, match="Input/output error") as error, tiny.workspace.lock("training"):
        pass
    assert "wait for it" not in str(error.value)
