"""The forgetting matrix through the console's link: read in one thread, filled in another, stopped on the way."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from tui.test_engine_link import watched
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.cli_matrix import matrix

from engine.core.cancellation import Control
from engine.workspace.layout import Workspace
from luna_tui.console.state.events import JobEnded, JobProgress, JobStarted, MatrixLoaded


class Filling(FakeEngine):
    """Fills one cell, and goes on until it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = matrix(known=False)
        self.began = threading.Event()

    def fill_matrix(
        self, workspace: Workspace, config: object, ref: str, *, progress: Any, control: Control, show: Any = None
    ) -> dict[str, Any]:
        progress(1, 2, "base on the exam of G0")
        show(matrix())
        self.began.set()
        while True:
            control.check()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws", generations=3)


def test_what_is_known_is_read_without_running(root: Path) -> None:
    seen = watched(root, Filling())
    seen.link.load_matrix("G2")
    loaded = seen.first(MatrixLoaded)
    assert (loaded.ref, loaded.matrix) == ("G2", matrix(known=False))
    assert not seen.all(JobStarted)


def test_a_matrix_that_cannot_be_read_says_why(root: Path) -> None:
    seen = watched(root)
    seen.link.load_matrix("G9")
    loaded = seen.first(MatrixLoaded)
    assert loaded.matrix is None
    assert "G9" in loaded.problem


def test_filling_is_a_job_that_brings_the_whole_matrix(root: Path) -> None:
    seen = watched(root)
    seen.link.fill_matrix("G2")
    assert seen.first(JobEnded).message == "the matrix of G2 is filled"
    assert seen.first(JobProgress).label == "matrix of G2: base on the exam of G0"
    assert seen.all(MatrixLoaded)[-1].matrix == matrix()


def test_a_stopped_filling_has_shown_the_cells_that_are_done(root: Path) -> None:
    engine = Filling()
    seen = watched(root, engine)
    seen.link.fill_matrix("G2")
    assert engine.began.wait(60)
    seen.link.cancel_job()
    ended = seen.first(JobEnded)
    assert (ended.ok, ended.message) == (True, "matrix of G2: cancelled")
    assert seen.all(MatrixLoaded)[-1].matrix == matrix()
