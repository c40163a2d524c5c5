"""Bare `luna-tui` after a crash says how to go on, and `train --resume RUN` names the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.conftest import Run as Call

from engine.workspace.layout import Workspace
from engine.workspace.runs import Run, RunStatus


def leave_run(root: Path, run_id: str, gen: int, updated: float = 1.0) -> None:
    """A prepared run whose process has died."""
    run = Run.at(Workspace.open(root), run_id)
    run.work.mkdir(parents=True)
    run.write_state(RunStatus(run_id, gen, "running", ("prepare",), 1.0, updated))


def test_an_unfinished_run_is_gone_on_with(run: Call, workspace: Path) -> None:
    leave_run(workspace, "20260101-000000-G3", 3)
    said = run("-w", workspace)
    assert f"go on with G3         luna-tui -w {workspace} train --resume" in said.out
    assert "next generation" not in said.out, "a plain train would begin anew, and this run would be lost"


def test_the_first_generation_too(run: Call, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "new")
    assert f"luna-tui -w {root} train\n" in run("-w", root).out
    leave_run(root, "20260101-000000-G0", 0)
    said = run("-w", root)
    assert f"luna-tui -w {root} train --resume\n" in said.out
    assert "the first one" not in said.out


def test_of_several_each_is_named(run: Call, workspace: Path) -> None:
    for name in ("20260101-000000-G3", "20260101-000000-G3-2"):
        leave_run(workspace, name, 3)
    said = run("-w", workspace)
    assert "train --resume 20260101-000000-G3\n" in said.out
    assert "train --resume 20260101-000000-G3-2\n" in said.out


@pytest.mark.parametrize(
    ("arguments", "resume", "name"),
    [
        ([], False, ""),
        (["--resume"], True, ""),
        (["--resume", "R1"], True, "R1"),
        (["--resume", "--seed", "3"], True, ""),
        (["--seed", "3", "--resume", "R1", "--json"], True, "R1"),
    ],
)
def test_resume_takes_a_run_or_none(run: Call, workspace: Path, arguments: list[str], resume: bool, name: str) -> None:
    engine = FakeEngine()
    run("-w", workspace, "train", *arguments, engine=engine)
    request = engine.sessions[0].request
    assert (request.resume, request.run) == (resume, name)


def test_a_run_without_resume_is_refused(run: Call, workspace: Path) -> None:
    said = run("-w", workspace, "train", "R1")
    assert said.code == 2
    assert "luna-tui train --resume R1" in said.err
