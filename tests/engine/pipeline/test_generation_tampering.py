"""One byte of anything recorded is changed: verify names the file and the generation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace

from engine.workspace.verify import verify_workspace

pytestmark = pytest.mark.slow

OF_A_GENERATION = (
    "delta.safetensors",
    "manifest.json",
    "evals.json",
    "eval_items.jsonl",
    "exam.jsonl",
    "qa.jsonl",
    "metrics.jsonl",
    "tone_answers.jsonl",
    "typed_items.jsonl",
    "data/new.jsonl",
    "data/train.jsonl",
    "data/holdout.jsonl",
    "data/replay.jsonl",
    "data/fed.jsonl",
)


def flip(path: Path, place: float) -> None:
    """Change one bit of the byte at a share of the file's length."""
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, int(len(data) * place))] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", OF_A_GENERATION)
def test_evidence(evolved: TinyWorkspace, name: str, place: float) -> None:
    flip(evolved.workspace.generation(2) / name, place)
    report = verify_workspace(evolved.workspace)
    assert not report.ok
    assert any(p.gen == 2 and p.file == f"models/generations/2/{name}" for p in report.problems), report.problems
    assert not any(p.gen == 0 for p in report.problems), "the sound generations are not accused"


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_gguf(evolved: TinyWorkspace, place: float) -> None:
    flip(evolved.workspace.gguf(1), place)
    report = verify_workspace(evolved.workspace)
    assert [(p.gen, p.file) for p in report.problems] == [(1, "models/luna_age_1.gguf")]


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("name", ["lineage_ledger.csv", "head.log", "HEAD"])
def test_ledger_and_log(evolved: TinyWorkspace, name: str, place: float) -> None:
    flip(evolved.workspace.models / name, place)
    report = verify_workspace(evolved.workspace)
    assert not report.ok
    assert all(problem.gen is not None for problem in report.problems)
    assert any(problem.file == f"models/{name}" for problem in report.problems), report.problems


@pytest.mark.parametrize("name", ["base.gguf", "base.json"])
def test_base(evolved: TinyWorkspace, name: str) -> None:
    path = evolved.workspace.base_dir / name
    for place in range(0, 100, 7):
        sound = path.read_bytes()
        flip(path, place / 100)
        report = verify_workspace(evolved.workspace)
        assert [(p.gen, p.file) for p in report.problems] == [("base", f"models/base/{name}")], place
        path.write_bytes(sound)
    path.unlink()
    assert [(p.gen, p.file) for p in verify_workspace(evolved.workspace).problems] == [("base", f"models/base/{name}")]


def test_base_record_of_another_model(evolved: TinyWorkspace) -> None:
    path = evolved.workspace.base_dir / "base.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"sha": "0" * 64}, indent=1, sort_keys=True) + "\n")
    assert [p.file for p in verify_workspace(evolved.workspace).problems] == ["models/base/base.json"]


def test_missing_and_added_files(evolved: TinyWorkspace) -> None:
    workspace = evolved.workspace
    workspace.gguf(3).unlink()
    (workspace.generation(1) / "qa.jsonl").unlink()
    (workspace.generation(0) / "extra.txt").write_text("left here by hand\n")
    found = {(p.gen, p.file) for p in verify_workspace(workspace).problems}
    assert found == {
        (3, "models/luna_age_3.gguf"),
        (1, "models/generations/1/qa.jsonl"),
        (0, "models/generations/0/extra.txt"),
    }


def test_a_smuggled_holdout_row_is_a_leak_even_with_fresh_hashes(evolved: TinyWorkspace) -> None:
    held = (evolved.workspace.generation(0) / "data" / "holdout.jsonl").read_text().split("\n")[0]
    train = evolved.workspace.generation(3) / "data" / "train.jsonl"
    train.write_text(train.read_text() + held + "\n")
    problems = verify_workspace(evolved.workspace).problems
    assert any(p.gen == 3 and "held out by G0" in p.problem for p in problems), problems
