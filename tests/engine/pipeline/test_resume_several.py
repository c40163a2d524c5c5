"""After a crash: which runs can be gone on with, what is said of them, and which of several goes on."""

from __future__ import annotations

import json
from dataclasses import replace

from tiny_workspace import TinyWorkspace

from engine.core.events import CheckpointSaved, RunStarted
from engine.diagnostics.workspace_checks import examine
from engine.workspace.attach import describe_runs, resumable
from engine.workspace.runs import Run


def interrupted(tiny: TinyWorkspace, **request: object) -> str:
    """Train G0 up to its first checkpoint; returns the run."""
    assert tiny.stop_at(lambda event: isinstance(event, CheckpointSaved), **request).exit_code == 130
    return tiny.last.run


def set_updated(tiny: TinyWorkspace, run_id: str, **changes: object) -> None:
    run = Run.at(tiny.workspace, run_id)
    run.write_state(replace(run.state(), **changes))  # type: ignore[arg-type]


def test_of_several_unfinished_runs_the_person_chooses(tiny: TinyWorkspace) -> None:
    first = interrupted(tiny)
    second = interrupted(tiny, seed=7)
    set_updated(tiny, second, updated=1.0)  # the clock was set back: by time alone the first would be the newest

    assert tiny.train(resume=True).exit_code == 2
    assert "2 runs are unfinished" in tiny.last.error
    for run in (first, second):
        assert f"{run}: G0 from base, interrupted after prepare, checkpoint at step " in tiny.last.hint
    assert f"luna-tui train --resume {second}" in tiny.last.hint

    assert tiny.train(resume=True, run="nonsense").exit_code == 2
    assert "no unfinished run 'nonsense'" in tiny.last.error
    assert first in tiny.last.hint

    assert tiny.train(resume=True, run=second).exit_code == 0, tiny.last.error
    assert tiny.last.run == second
    [started] = tiny.of(RunStarted)
    assert (started.resumed, started.seed) == (True, 7)
    assert resumable(tiny.workspace) == [], "the other one's generation is recorded by now"


def test_a_dead_run_is_interrupted_for_whoever_asks(tiny: TinyWorkspace) -> None:
    run = interrupted(tiny)
    set_updated(tiny, run, status="running")  # as a killed process leaves it
    tiny.workspace.lock_path.write_text(json.dumps({"pid": 1, "purpose": "training", "since": 1.0}))
    assert [state.status for state in resumable(tiny.workspace)] == ["interrupted"]
    [line] = describe_runs(tiny.workspace, resumable(tiny.workspace))
    findings = {finding.what: finding for finding in examine(tiny.root)}
    assert (findings["runs"].level, findings["runs"].detail) == ("warn", line)
    assert "luna-tui train --resume" in findings["runs"].remedy

    with tiny.workspace.lock("training"):
        assert [state.status for state in resumable(tiny.workspace)] == ["interrupted"], "another one is at work"
        set_updated(tiny, run, status="running", updated=2e10)
        assert [state.status for state in resumable(tiny.workspace)] == ["running"]
        findings = {finding.what: finding for finding in examine(tiny.root)}
        assert findings["runs"].level == "ok"
