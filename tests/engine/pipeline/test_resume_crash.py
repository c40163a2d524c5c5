"""kill -9 at the worst moments: the next command finds everything whole, and nothing is recorded twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.events import Examined, RunFinished, TrainStep
from engine.core.journal import read_journal
from engine.pipeline.rollback import rollback
from engine.workspace.runs import Run, unfinished_run
from engine.workspace.verify import verify_workspace
from ledger.manifest import manifest_path

pytestmark = pytest.mark.slow

WORKER = Path(__file__).parents[1] / "training_worker.py"
PACKAGES = Path(__file__).parents[3]


RunWorker = Callable[[Path, str, int], int]


@pytest.fixture(scope="module")
def run_worker(base_cache: Path) -> Iterator[RunWorker]:
    """`run_worker(root, "train", 20)` gives a process's return code: 0, or -9 when it killed itself."""
    path = os.pathsep.join([str(PACKAGES / "tests"), str(PACKAGES)])
    with subprocess.Popen(
        [sys.executable, str(WORKER)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forking:
        assert forking.stdin is not None
        assert forking.stdout is not None
        stdin, stdout = forking.stdin, forking.stdout

        def run(root: Path, what: str, number: int) -> int:
            stdin.write(f"{root} {what} {number}\n")
            stdin.flush()
            code = int(stdout.readline())
            assert code in (0, -signal.SIGKILL)
            return code

        yield run
        stdin.close()
        assert forking.wait(60) == 0


@pytest.mark.both_formats
def test_killed_while_training(tiny: TinyWorkspace, lineage: TinyWorkspace, run_worker: RunWorker) -> None:
    assert run_worker(tiny.root, "train", 20) == -signal.SIGKILL
    assert verify_workspace(tiny.workspace).ok
    run = unfinished_run(tiny.workspace)
    assert run is not None
    assert run.state().status == "running"
    assert run.state().seconds > 0, "time up to the last checkpoint is kept"
    with run.journal.open("ab") as journal:
        journal.write(b'{"type": "train_step", "st')  # what a crash of the whole machine may leave
    assert tiny.train(resume=True).exit_code == 0
    assert tiny.of(TrainStep)[0].step == 17
    assert tiny.shas() == lineage.shas()[:1], "the same in another process"
    told = list(read_journal(run.journal))
    assert isinstance(told[-1], RunFinished)
    assert [event.seq for event in told] == list(range(len(told)))
    assert verify_workspace(tiny.workspace).ok


@pytest.fixture(scope="module")
def judged(template: TinyWorkspace, tmp_path_factory: pytest.TempPathFactory) -> TinyWorkspace:
    """A run that has only its verdict and its recording before it: no training, so that killing it is cheap."""
    workspace = template.copy_to(tmp_path_factory.mktemp("judged") / "tiny")
    assert workspace.stop_at(lambda event: isinstance(event, Examined)).exit_code == 130
    return workspace


def test_killed_before_every_write_of_the_recording(
    judged: TinyWorkspace, lineage: TinyWorkspace, run_worker: RunWorker, tmp_path: Path
) -> None:
    seen: set[tuple[bool, bool, bool, bool]] = set()
    for number in range(1, 60):
        killed = judged.copy_to(tmp_path / f"killed-{number}")
        if run_worker(killed.root, "record", number) == 0:
            break
        workspace = killed.workspace
        seen.add(
            (
                workspace.gguf(0).exists(),
                manifest_path(workspace.models, 0).exists(),
                bool(workspace.ledger.read()),
                (workspace.models / "HEAD").exists(),
            )
        )
        found = verify_workspace(workspace).problems
        assert all(problem.file == "models/HEAD" for problem in found), (number, found)
        anew = killed.copy_to(tmp_path / f"anew-{number}")

        assert killed.train(resume=True).exit_code == 0, (number, killed.last.error)
        assert killed.last.verdict == "accepted"
        assert killed.shas() == lineage.shas()[:1]
        assert killed.workspace.head.current() == 0
        assert verify_workspace(killed.workspace).ok
        run = Run.at(killed.workspace, killed.runs()[0])
        assert run.state().status == "finished"
        assert not run.work.exists()
        assert isinstance(list(read_journal(run.journal))[-1], RunFinished)

        # Without --resume too: what was recorded is finished, what was not is made anew under the same number.
        gen = 1 if manifest_path(anew.workspace.models, 0).exists() else 0
        assert anew.train().exit_code == 0, (number, anew.last.error)
        assert anew.last.gen == gen
        assert anew.shas() == lineage.shas()[: gen + 1]
        report = verify_workspace(anew.workspace)
        assert report.ok, report.problems
        assert report.notes == []
    else:
        pytest.fail("the worker never lived to the end")
    assert len(seen) >= 5, f"the sweep met too few different states: {seen}"


def test_a_rollback_finishes_the_recording_first(judged: TinyWorkspace, run_worker: RunWorker, tmp_path: Path) -> None:
    for number in range(1, 60):
        killed = judged.copy_to(tmp_path / f"killed-{number}")
        assert run_worker(killed.root, "record", number) == -signal.SIGKILL
        if manifest_path(killed.workspace.models, 0).exists() and not killed.workspace.ledger.read():
            break
    assert rollback(killed.workspace, "base", reason="start over") == {"from": 0, "to": None}
    assert [row.gen_id for row in killed.workspace.ledger.read()] == [0]
    assert verify_workspace(killed.workspace).ok
