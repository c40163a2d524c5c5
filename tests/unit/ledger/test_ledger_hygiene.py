"""verify on an engine's mistakes: training on what was held out, a manifest that contradicts the lineage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger.workspace_factory import WorkspaceFactory

from ledger.head import HeadStore
from ledger.manifest import describe_files, manifest_path, read_manifest, write_manifest
from ledger.verify import Problem, verify

LEAKS: list[tuple[Callable[[WorkspaceFactory], object], int, bool]] = [
    (lambda f: f.add(train_ids=["g0-held-0", "fresh"]), 4, True),
    (lambda f: f.add(parent=0, train_ids=["fresh", "g0-held-1"]), 4, True),
    (lambda f: f.add(train_ids=["same"], holdout_ids=["same"]), 4, True),
    (lambda f: f.add(train_ids=["g1-held-0"]), 4, False),  # G1 is on the branch that was left
    (lambda f: f.add(train_ids=["g0-train-0", "g3-train-1"]), 4, False),  # replay of what was trained on
    (lambda f: f.add(holdout_ids=["g0-held-0"]), 4, False),  # held out again
]


@pytest.mark.parametrize(("grow", "gen", "leaks"), LEAKS)
def test_no_ancestors_holdout_may_be_trained_on(
    models: Path, grow: Callable[[WorkspaceFactory], object], gen: int, leaks: bool
) -> None:
    grow(WorkspaceFactory(models))
    problems = verify(models).problems
    if leaks:
        (problem,) = problems
        assert (problem.gen, problem.file) == (gen, f"models/generations/{gen}/data/train.jsonl")
        assert "1 held-out items were trained on" in problem.problem
        assert "held out by G" in problem.problem
    else:
        assert problems == []


def test_a_leak_is_found_many_generations_later(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(8)
    factory.add(train_ids=["g0-held-0", "g5-held-1", "fine"])
    (problem,) = verify(factory.models).problems
    assert "g0-held-0 (held out by G0), g5-held-1 (held out by G5)" in problem.problem


@pytest.mark.parametrize("line", [b"not json", b"{}", b"[]", b'"text"', b"\xff"])
def test_training_rows_that_cannot_be_read_prove_nothing(models: Path, line: bytes) -> None:
    factory = WorkspaceFactory(models)
    steps = factory.steps(4)
    next(steps)
    path = models / "generations/4/data/train.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert list(steps) == ["manifest", "row", "record", "accept"]
    (problem,) = verify(models).problems
    assert problem == Problem(4, "models/generations/4/data/train.jsonl", "line 5 has no id")


def resealed(models: Path, **changes: object) -> list[Problem]:
    """Record G4 with a manifest that was changed before it was sealed: an engine's mistake, not a changed byte."""
    factory = WorkspaceFactory(models)
    steps = factory.steps(4)
    assert [next(steps), next(steps), next(steps)] == ["artefacts", "manifest", "row"]
    manifest = replace(read_manifest(manifest_path(models, 4)), **changes)
    sha = write_manifest(models, manifest)
    if manifest.gen != 4:
        manifest_path(models, manifest.gen).replace(manifest_path(models, 4))
    HeadStore(models).append("record", gen=4, reason="", manifest_sha=sha, verdict="accepted")
    return verify(models).problems


@pytest.mark.parametrize(
    ("changes", "file", "words"),
    [
        ({"parent_gen": 1}, "generations/4/manifest.json", "says its parent is G1, the ledger says G3"),
        ({"parent_gen": None}, "generations/4/manifest.json", "says its parent is the base"),
        ({"parent_manifest_sha": "0" * 64}, "generations/4/manifest.json", "names another manifest of G3"),
        ({"parent_manifest_sha": None}, "generations/4/manifest.json", "names another manifest of G3"),
        ({"row_sha": "0" * 64}, "generations/4/manifest.json", "row_sha"),
        ({"verdict": "stopped"}, "generations/4/manifest.json", "not what head.log records"),
        ({"gen": 5}, "generations/4/manifest.json", "says G5"),
    ],
)
def test_a_manifest_that_contradicts_the_lineage_is_named(
    models: Path, changes: dict[str, object], file: str, words: str
) -> None:
    problems = resealed(models, **changes)
    assert any(p.gen == 4 and p.file == f"models/{file}" and words in p.problem for p in problems)


@pytest.mark.parametrize("name", ["luna_age_4.gguf", "generations/4/data/new.jsonl", "generations/4/data/train.jsonl"])
def test_a_file_the_manifest_forgot_is_named(models: Path, name: str) -> None:
    factory = WorkspaceFactory(models)
    next(factory.steps(4))
    files = {path: facts for path, facts in describe_files(models, 4).items() if path != name}
    assert any(p.gen == 4 and p.file == f"models/{name}" for p in resealed(models, files=files))
