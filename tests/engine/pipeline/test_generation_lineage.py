"""Four generations of a tiny model, really trained, exported and examined: what they leave behind."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.events import (
    DataPrepared,
    Examined,
    Exported,
    Judged,
    Recorded,
    RunFinished,
    RunStarted,
    StepChanged,
    TrainStep,
)
from engine.core.journal import read_journal
from engine.data.rows import make_row
from engine.models.base import prepare_base
from engine.pipeline.steps.encode import encode, encode_passes
from engine.runtime.client import Runtime
from engine.workspace.lineage_rows import lineage_rows
from engine.workspace.runs import list_runs
from engine.workspace.verify import verify_workspace
from ledger.hashing import sha256_file
from ledger.manifest import manifest_path, manifest_sha

pytestmark = [pytest.mark.slow, pytest.mark.both_formats]

EVIDENCE = {
    "data/fed.jsonl",
    "data/holdout.jsonl",
    "data/new.jsonl",
    "data/replay.jsonl",
    "data/train.jsonl",
    "delta.safetensors",
    "eval_items.jsonl",
    "evals.json",
    "exam.jsonl",
    "manifest.json",
    "metrics.jsonl",
    "qa.jsonl",
    "tone_answers.jsonl",
    "typed_items.jsonl",
}


def test_phases_follow_the_method(lineage: TinyWorkspace) -> None:
    rows = lineage_rows(lineage.workspace)
    assert [row["phase"] for row in rows] == ["base", "align", "converse", "converse"]
    assert [row["verdict"] for row in rows] == ["accepted"] * 4
    assert [row["parent_gen"] for row in rows] == [None, 0, 1, 2]
    assert [row["head"] for row in rows] == [False, False, False, True]
    assert [row["children"] for row in rows] == [[1], [2], [3], []]
    assert [row["steps"] for row in rows] == [40, 24, 24, 24]
    assert [row["lr"] for row in rows] == [0.02, 0.01, 0.01, 0.01]


def test_every_hash_leads_to_the_next(lineage: TinyWorkspace) -> None:
    workspace = lineage.workspace
    rows = workspace.ledger.read()
    parent = sha256_file(workspace.base_dir / "base.gguf")
    for row in rows:
        assert row.parent_sha == parent
        assert row.child_sha == sha256_file(workspace.gguf(row.gen_id))
        assert row.data_delta_sha == sha256_file(workspace.generation(row.gen_id) / "data" / "new.jsonl")
        parent = row.child_sha
        manifest = workspace.manifest(row.gen_id)
        assert manifest is not None
        above = None if row.gen_id == 0 else manifest_sha(manifest_path(workspace.models, row.gen_id - 1))
        assert manifest.parent_manifest_sha == above
        assert manifest.row == row.to_record()
    assert (workspace.models / "HEAD").read_text() == "G3\n"
    assert len({row.child_sha for row in rows}) == 4


def test_nothing_is_missing_and_nothing_is_left_over(lineage: TinyWorkspace) -> None:
    workspace = lineage.workspace
    for gen in range(4):
        directory = workspace.generation(gen)
        found = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
        assert found == EVIDENCE
    assert sorted(path.name for path in (workspace.models / "generations").iterdir()) == ["0", "1", "2", "3"]
    assert all(not run.work.exists() for run, _ in list_runs(workspace)), "checkpoints of finished runs are deleted"
    report = verify_workspace(workspace)
    assert report.ok
    assert report.problems == []
    assert report.notes == []
    # CSV, HEAD, log, base record, base GGUF; then GGUF, manifest and the other evidence of each generation
    assert report.checked >= 5 + 4 * (len(EVIDENCE) + 1)


def test_loss_falls_and_is_what_the_metrics_say(lineage: TinyWorkspace) -> None:
    for row in lineage.workspace.ledger.read():
        losses = [line["loss"] for line in lineage.lines(row.gen_id, "metrics.jsonl")]
        assert len(losses) == row.steps
        assert row.loss_start == pytest.approx(sum(losses[:10]) / 10, abs=1e-6)
        assert row.loss_end == pytest.approx(sum(losses[-10:]) / 10, abs=1e-6)
        assert row.loss_start is not None
        assert row.loss_end is not None
        assert row.loss_end < row.loss_start


def test_rows_are_fed_in_the_order_written_down(lineage: TinyWorkspace) -> None:
    for gen in range(4):
        train = [row["id"] for row in lineage.lines(gen, "data/train.jsonl")]
        fed = [id_ for step in lineage.lines(gen, "data/fed.jsonl") for id_ in step["rows"]]
        assert len(fed) >= len(train)
        assert fed == [train[i % len(train)] for i in range(len(fed))]


def test_questions_are_fed_as_people_type_them_too_and_that_is_written_down(lineage: TinyWorkspace) -> None:
    for gen in range(4):
        habits = [step.get("as_typed", [None] * len(step["rows"])) for step in lineage.lines(gen, "data/fed.jsonl")]
        flat = [habit for step in habits for habit in step]
        assert 0.2 < sum(habit is not None for habit in flat) / len(flat) < 0.8
        assert {habit for habit in flat if habit} <= {"no mark", "lower case", "both"}


def test_the_exam_and_the_parents_questions_are_asked_as_typed(lineage: TinyWorkspace) -> None:
    for gen in range(4):
        asked = {line["id"] for line in lineage.lines(gen, "exam.jsonl")}
        if gen:
            asked |= {line["id"] for line in lineage.lines(gen - 1, "qa.jsonl")}
        typed = lineage.lines(gen, "typed_items.jsonl")
        assert {line["id"] for line in typed} == asked
        scores = json.loads((lineage.workspace.generation(gen) / "evals.json").read_text())
        assert scores["continued"]["n"] == len(typed) + len(lineage.lines(gen, "tone_answers.jsonl"))


def test_stages_are_fed_in_their_order_with_replay_inside(lineage: TinyWorkspace) -> None:
    stages = [row["stage"] for row in lineage.lines(2, "data/train.jsonl")]
    assert set(stages) == {"facts", "talk"}
    assert stages == sorted(stages)


def test_replay_comes_from_what_ancestors_trained_on(lineage: TinyWorkspace) -> None:
    assert lineage.lines(0, "data/replay.jsonl") == []
    for gen in (1, 2, 3):
        replay = lineage.lines(gen, "data/replay.jsonl")
        assert len(replay) == 10
        for row in replay:
            source = row["from_gen"]
            assert source < gen
            assert row["id"] in {kept["id"] for kept in lineage.lines(source, "data/train.jsonl")}
        trained = {row["id"] for row in lineage.lines(gen, "data/train.jsonl")}
        assert {row["id"] for row in replay} <= trained
    shares = [sum(row["from_gen"] == gen for row in lineage.lines(3, "data/replay.jsonl")) for gen in (0, 1, 2)]
    assert shares == [4, 3, 3]


def test_no_holdout_is_ever_trained_on(lineage: TinyWorkspace) -> None:
    held: set[str] = set()
    for gen in range(4):
        held |= {row["id"] for row in lineage.lines(gen, "data/holdout.jsonl")}
        assert not held & {row["id"] for row in lineage.lines(gen, "data/train.jsonl")}
    assert len(held) == 7 + 4 + 4 + 4


def test_nothing_is_new_twice(lineage: TinyWorkspace) -> None:
    new = [row["id"] for gen in range(4) for row in lineage.lines(gen, "data/new.jsonl")]
    assert len(new) == len(set(new)) == 36 + 20 + 20 + 20


def test_every_generation_sits_the_exam_of_every_ancestor(lineage: TinyWorkspace) -> None:
    rows = lineage_rows(lineage.workspace)
    assert [sorted(row["by_ancestor"]) for row in rows] == [[], ["0"], ["0", "1"], ["0", "1", "2"]]
    for row in rows[1:]:
        for gen, score in row["by_ancestor"].items():
            assert score["n"] == len(lineage.lines(int(gen), "exam.jsonl"))
            assert score["low"] <= score["value"] <= score["high"]


def test_recall_asks_the_parents_qa_set(lineage: TinyWorkspace) -> None:
    qa = lineage.lines(2, "qa.jsonl")
    asked = {item["id"] for item in qa}
    right = [line["score"] for line in lineage.lines(3, "eval_items.jsonl") if line["id"] in asked]
    assert len(right) == len(qa) == 4 + 8
    assert lineage.workspace.ledger.read()[3].eval_recall == pytest.approx(sum(right) / len(right), abs=1e-6)


def test_the_journal_tells_the_whole_run(lineage: TinyWorkspace) -> None:
    workspace = lineage.workspace
    told = {run.run_id: list(read_journal(run.journal)) for run, _ in list_runs(workspace)}
    assert len(told) == 4
    for run_id, events in told.items():
        assert [event.seq for event in events] == list(range(len(events)))
        assert events == [event for event in lineage.events if event.run == run_id], "what the screen saw, the disk has"
        kinds = [type(event) for event in events]
        for kind in (RunStarted, DataPrepared, Exported, Examined, Judged, Recorded, RunFinished):
            assert kinds.count(kind) == 1
        steps = [event.step for event in events if isinstance(event, TrainStep)]
        assert steps == list(range(1, len(steps) + 1))
        assert [event.step for event in events if isinstance(event, StepChanged)] == [
            "prepare",
            "train",
            "export",
            "examine",
            "judge",
            "record",
        ]
        assert isinstance(events[-1], RunFinished)


def test_manifest_says_how_it_was_made(lineage: TinyWorkspace) -> None:
    manifest = lineage.workspace.manifest(2)
    assert manifest is not None
    assert manifest.recipe["steps"] == 24
    assert manifest.recipe["method"] == "lora"
    assert manifest.recipe["quant"] == "q8_0"
    assert manifest.threads == 1
    assert manifest.backend == "trl"
    assert {"python", "torch", "transformers", "trl", "peft", "llama-cpp-python"} <= set(manifest.versions)
    assert manifest.data["new"] == 20
    assert manifest.data["replay"] == 10
    assert manifest.base == json.loads((lineage.workspace.base_dir / "base.json").read_text())
    text = manifest_path(lineage.workspace.models, 2).read_text()
    assert str(lineage.root) not in text, "a manifest reads the same on every machine"


def test_a_question_that_is_too_long_only_as_typed_is_fed_as_written(lineage: TinyWorkspace) -> None:
    config, base = lineage.config(), prepare_base(lineage.workspace, lineage.config(), weights=False)
    rows = [make_row("WHAT IS THE THRESHOLD LAW?", "two voices", stage="facts")]
    with Runtime() as runtime:
        recipe = config.recipe("base")
        ((written,),) = encode(runtime, base, rows, recipe)
        passes = encode_passes(runtime, base, rows, recipe, sequences_fed=8)
        longest = max(len(fed[0].ids) for fed in passes)
        exact = replace(recipe, context=len(written.ids))
        short = encode_passes(runtime, base, rows, exact, sequences_fed=8)
    assert len(passes) == len(short) == 8
    assert {fed[0].habit for fed in passes} > {None}
    assert all(len(fed[0].ids) <= len(written.ids) for fed in short)
    assert (longest > len(written.ids)) == any(a[0] != b[0] for a, b in zip(passes, short, strict=True))
