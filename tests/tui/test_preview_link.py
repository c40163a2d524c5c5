"""The console's real link decides a dry run in the engine's thread: the result, errors, refusals and the way out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from tui.test_dry_run_screen import preview
from tui.test_engine_link import Watched, watched
from unit.cli.cli_fakes import FakeEngine, make_workspace

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.pipeline.preview import Preview
from engine.pipeline.request import TrainRequest
from luna_tui.console.state.events import JobEnded, JobProgress, JobStarted, PreviewLoaded

WISH = TrainRequest(2, phase="align")


class Deciding(FakeEngine):
    """Decides in an instant, raises, or waits until it is cancelled."""

    def __init__(self, error: Exception | None = None, *, waits: bool = False) -> None:
        super().__init__()
        self.error, self.waits = error, waits
        self.threads: list[str] = []

    def preview(
        self, workspace: object, config: object, request: TrainRequest, *, progress: Any, control: Control
    ) -> Preview:
        self.threads.append(threading.current_thread().name)
        progress(1, 2, "reading the data")
        if self.error is not None:
            raise self.error
        while self.waits:
            control.check()
        return preview()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws")


def ended(seen: Watched) -> JobEnded:
    return seen.first(JobEnded)


def test_it_is_decided_in_the_engines_thread_with_progress(root: Path) -> None:
    engine = Deciding()
    seen = watched(root, engine)
    seen.link.preview(WISH)
    assert seen.first(PreviewLoaded) == PreviewLoaded(WISH, preview())
    assert ended(seen).message == "dry run of G4: nothing was trained"
    assert seen.first(JobStarted).job == seen.first(JobProgress).job == "preview"
    assert engine.threads != [threading.current_thread().name]


def test_an_error_is_the_result(root: Path) -> None:
    seen = watched(root, Deciding(UsageError("nothing new to learn", where="curriculum", hint="add rows")))
    seen.link.preview(WISH)
    found = seen.first(PreviewLoaded)
    assert (found.preview, found.problem, found.hint) == (None, "curriculum: nothing new to learn", "add rows")


def test_a_config_that_went_bad_is_the_result(root: Path) -> None:
    seen = watched(root, Deciding())
    (root / "luna.toml").write_text("nonsense = 1\n")
    seen.link.preview(WISH)
    assert "nonsense" in seen.first(PreviewLoaded).problem


def test_it_is_cancelled_and_meanwhile_a_second_one_is_refused(root: Path) -> None:
    engine = Deciding(waits=True)
    seen = watched(root, engine)
    seen.link.preview(WISH)
    seen.first(JobStarted)
    other = TrainRequest()
    seen.link.preview(other)
    refused = seen.first(PreviewLoaded)
    assert (refused.request, refused.problem) == (other, "dry run is still going on")
    seen.link.cancel_preview()
    assert ended(seen).message == "dry run: cancelled"


def test_another_job_is_not_cancelled_with_it(root: Path) -> None:
    seen = watched(root, Deciding())
    seen.link.verify()
    seen.link.cancel_preview()
    assert ended(seen).job == "verify"
    assert "cancelled" not in ended(seen).message
