"""Rescue: a rejected child is tried with less of what it learned, chosen off the exams, confirmed once, recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.events import Judged, LogLine, Progress
from engine.pipeline.steps import interpolate as module
from engine.pipeline.steps.interpolate import Trial, choose
from engine.workspace.verify import verify_workspace
from ledger.hashing import sha256_file

ON: dict[str, object] = {"rescue.enabled": True, "rescue.alphas": [0.5, 0.25], "rescue.development": 0.2}


def test_the_best_mean_of_new_and_old_is_chosen() -> None:
    trials = [Trial(0.75, 0.9, 0.5), Trial(0.5, 0.8, 0.8), Trial(0.25, 0.2, 1.0)]
    assert choose(trials).alpha == 0.5


def test_of_equals_the_one_that_learned_most_is_chosen() -> None:
    assert choose([Trial(0.25, 0.5, 0.9), Trial(0.75, 0.9, 0.5)]).alpha == 0.75


def test_a_first_generation_has_nothing_old() -> None:
    assert choose([Trial(0.5, 0.6, None), Trial(0.25, 0.5, None)]).alpha == 0.5


def rescue_log(tiny: TinyWorkspace) -> list[str]:
    return [event.text for event in tiny.of(LogLine) if "rescue" in event.text]


def facts(tiny: TinyWorkspace, gen: int) -> dict[str, Any]:
    manifest = tiny.workspace.manifest(gen)
    assert manifest is not None
    return manifest.extra["rescue"]


@pytest.fixture
def two(lineage: TinyWorkspace, tmp_path: Any) -> TinyWorkspace:
    """G0 to G3, HEAD rolled back to G1: what comes next is G4."""
    from engine.pipeline.rollback import rollback

    tiny = lineage.copy_to(tmp_path / "two")
    rollback(tiny.workspace, "G1", reason="test")
    return tiny


@pytest.mark.slow
def test_off_it_changes_nothing(two: TinyWorkspace) -> None:
    out = two.train(overrides={"eval.recall_target": 1.0})
    assert out.exit_code == 3
    assert not (two.workspace.generation(4) / "development.jsonl").exists()
    assert rescue_log(two) == []


@pytest.mark.slow
@pytest.mark.both_formats
def test_a_rescue_that_fails_is_recorded_with_what_was_tried(two: TinyWorkspace) -> None:
    out = two.train(overrides={**ON, "eval.recall_target": 1.0})
    assert out.exit_code == 3
    assert two.workspace.head.current() == 1
    told = facts(two, 4)
    assert [trial["alpha"] for trial in told["tried"]] == [1.0, 0.5, 0.25]
    assert told["confirmed"] is False
    assert any("α 0.5" in line for line in rescue_log(two))
    assert any("rescue tried 0.5, 0.25 of the change" in reason for reason in out.finished[-1].reasons)
    # What is recorded is the child as it was trained.
    assert told["as_trained"]["child_sha"] == two.shas()[4] == sha256_file(two.workspace.gguf(4))
    assert verify_workspace(two.workspace).ok


@pytest.mark.slow
@pytest.mark.both_formats
def test_a_rescued_child_is_what_is_shipped_recorded_and_rebuilt(
    two: TinyWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reject_as_trained(monkeypatch)
    out = two.train(overrides=ON)
    assert out.exit_code == 0, out.finished[-1].reasons
    assert two.workspace.head.current() == 4
    told = facts(two, 4)
    manifest = two.workspace.manifest(4)
    assert manifest is not None
    assert told["confirmed"] is True
    assert told["mixed"]["child_sha"] == two.shas()[4] == sha256_file(two.workspace.gguf(4))
    assert told["as_trained"]["child_sha"] != two.shas()[4]
    assert manifest.recipe["blend"] == told["chosen"]
    assert out.finished[-1].reasons[0].startswith(f"rescued: {told['chosen']:g} of the change is kept")
    assert verify_workspace(two.workspace).ok
    # Its delta alone rebuilds it, and the next generation descends from it.
    from engine.workspace.garbage import collect, find_garbage

    assert two.train(phase="converse").exit_code == 0
    collect(two.workspace, [item for item in find_garbage(two.workspace, ggufs=True) if item.gen == 4])
    assert not two.workspace.gguf(4).exists()
    from engine.service.chat import open_chat

    open_chat(two.workspace, two.config(), "G4").close()
    assert sha256_file(two.workspace.gguf(4)) == two.shas()[4]


@pytest.mark.slow
def test_what_it_is_chosen_by_is_neither_trained_nor_examined(two: TinyWorkspace) -> None:
    two.train(overrides={**ON, "eval.recall_target": 1.0})
    data = two.workspace.generation(4) / "data"

    def ids(name: str) -> set[str]:
        return {json.loads(line)["id"] for line in (data / name).read_text().split("\n") if line}

    development = ids("development.jsonl")
    assert development
    assert development < ids("new.jsonl")
    assert not development & ids("train.jsonl")
    assert not development & ids("holdout.jsonl")


@pytest.mark.slow
def test_descendants_are_not_fed_the_rows_kept_for_choosing(two: TinyWorkspace) -> None:
    assert two.train(overrides=ON).exit_code == 0
    kept = {line["id"] for line in two.lines(4, "data/development.jsonl")}
    assert two.train(overrides={"replay.rows": 1000}).exit_code == 0
    fed = {line["id"] for line in two.lines(5, "data/train.jsonl")}
    assert not kept & fed


@pytest.mark.slow
def test_stopped_in_the_middle_it_is_tried_again(two: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_rescue(event: object) -> bool:
        return isinstance(event, Progress) and event.label.startswith("rescue")

    overrides = {**ON, "eval.recall_target": 1.0}

    def stop(event: Any, session: Any) -> None:
        if in_rescue(event):
            session.stop()

    assert two.train(overrides=overrides, on_event=stop).exit_code == 130
    out = two.train(overrides=overrides, resume=True)
    assert out.exit_code == 3
    assert facts(two, 4)["confirmed"] is False
    assert verify_workspace(two.workspace).ok


@pytest.mark.slow
@pytest.mark.both_formats
def test_killed_after_the_swap_it_begins_from_what_was_trained(
    two: TinyWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reject_as_trained(monkeypatch)
    with monkeypatch.context() as broken:

        def die(*_: object, **__: object) -> None:
            raise OSError("the disk is gone")

        broken.setattr("engine.pipeline.orchestrator.record", die)
        assert two.train(overrides=ON).exit_code == 1
    out = two.train(overrides=ON, resume=True)
    assert out.exit_code == 0, out.finished[-1].error
    told = facts(two, 4)
    assert told["confirmed"] is True
    assert told["as_trained"]["child_sha"] != told["mixed"]["child_sha"] == two.shas()[4]
    assert verify_workspace(two.workspace).ok


def reject_as_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the gate refuse what was trained, whatever it scores, and judge only what was mixed."""
    from engine.pipeline.orchestrator import judge as real
    from engine.pipeline.steps.judge import Judgement

    def refuse(context: Any, plan: Any, lineage: Any, model: Any, examination: Any) -> Judgement:
        if plan.gen != 4:
            return real(context, plan, lineage, model, examination)
        context.emit(Judged, gen=plan.gen, verdict="rejected", reasons=["too eager"])
        return Judgement("rejected", ["too eager"])

    monkeypatch.setattr("engine.pipeline.orchestrator.judge", refuse)
    assert module.judge is real
