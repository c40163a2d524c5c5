"""The console's real link imports in the engine's thread: looked at, written, counted, refused and cancelled."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from tiny_workspace import talk, write_rows
from tui.test_engine_link import Watched, watched
from unit.cli.cli_fakes import FakeEngine, make_workspace

from engine.service.inbox_import import Imported
from engine.service.requests import ImportRequest
from luna_tui.console.state.events import ImportLoaded, JobEnded, JobProgress, JobStarted, KarmaRead


class Slow(FakeEngine):
    """Reads until it is cancelled."""

    def bring_in(self, workspace: object, config: object, request: ImportRequest, *, progress: Any) -> Imported:
        self.thread = threading.current_thread().name
        while True:
            progress(1, 2, "a.jsonl")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "chats.jsonl", [*talk(6), {"prompt": "no answer"}])


def answer(seen: Watched, number: int = 1) -> ImportLoaded:
    seen.until(lambda: len(seen.all(ImportLoaded)) == number and len(seen.all(JobEnded)) == number, "an answer")
    return seen.all(ImportLoaded)[-1]


def test_a_look_writes_nothing_and_an_import_does(root: Path, source: Path) -> None:
    seen = watched(root)
    seen.link.bring_in(ImportRequest(source))
    looked = answer(seen).found
    assert looked is not None
    assert (looked.rows, looked.path, len(looked.bad)) == (6, None, 1)
    assert not list(root.glob("inbox/*"))
    assert seen.first(JobEnded).message == "6 new rows of chats.jsonl were found, none is written"
    assert seen.first(JobStarted).job == seen.first(JobProgress).job == "import"

    before = len(seen.all(KarmaRead))
    seen.link.bring_in(ImportRequest(source, write=True))
    brought = answer(seen, 2).found
    assert brought is not None
    assert brought.path is not None
    assert [json.loads(line) for line in brought.path.read_text().splitlines()] == talk(6)
    assert seen.all(JobEnded)[1].message == f"6 new rows of chats.jsonl are in inbox/{brought.path.name}"
    seen.until(lambda: any(karma.karma == 3 for karma in seen.all(KarmaRead)[before:]), "the karma of six imports")


def test_a_stage_is_a_destination_and_what_is_there_already_is_refused(root: Path, source: Path) -> None:
    seen = watched(root)
    wish = ImportRequest(source, "logs_specs", "GB", write=True)
    seen.link.bring_in(wish)
    brought = answer(seen).found
    assert brought is not None
    assert brought.path is not None
    assert brought.path.parent == root / "curriculum" / "logs_specs"
    seen.link.bring_in(wish)
    assert answer(seen, 2).problem.endswith("chats.jsonl: all 6 rows are in logs_specs already")


def test_an_error_is_the_result(root: Path, tmp_path: Path) -> None:
    seen = watched(root)
    wish = ImportRequest(tmp_path / "none.jsonl")
    seen.link.bring_in(wish)
    told = answer(seen)
    assert (told.request, told.found) == (wish, None)
    assert "none.jsonl" in told.problem


def test_it_is_cancelled_and_meanwhile_a_second_one_is_refused(root: Path, source: Path) -> None:
    engine = Slow()
    seen = watched(root, engine)
    seen.link.bring_in(ImportRequest(source))
    seen.first(JobProgress)
    other = ImportRequest(source, keep_near=True)
    seen.link.bring_in(other)
    refused = seen.first(ImportLoaded)
    assert (refused.request, refused.problem) == (other, "reading chats.jsonl is still going on")
    seen.link.cancel_import()
    assert seen.first(JobEnded).message == "reading chats.jsonl: cancelled"
    assert seen.all(ImportLoaded)[1] == ImportLoaded(ImportRequest(source), None, "cancelled: nothing was written")
    assert engine.thread != threading.current_thread().name


def test_another_job_is_not_cancelled_with_it(root: Path) -> None:
    seen = watched(root)
    seen.link.verify()
    seen.link.cancel_import()
    assert "cancelled" not in seen.first(JobEnded).message
