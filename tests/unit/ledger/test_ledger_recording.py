"""Recording in one call, and finishing what a crash interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger.workspace_factory import WorkspaceFactory

from ledger.errors import LedgerBadInput, LedgerError
from ledger.head import HeadStore
from ledger.manifest import Manifest, Verdict, manifest_path, manifest_sha, read_manifest
from ledger.recording import finish_recording, record_generation
from ledger.verify import verify


def unrecorded(factory: WorkspaceFactory, verdict: Verdict = "accepted") -> Manifest:
    """A generation whose artefacts lie in place and whose manifest nobody wrote yet."""
    gen = factory.next_gen()
    steps = factory.steps(gen, verdict=verdict)
    assert [next(steps), next(steps)] == ["artefacts", "manifest"]
    path = manifest_path(factory.models, gen)
    manifest = read_manifest(path)
    path.unlink()
    return manifest


@pytest.mark.parametrize(("verdict", "head"), [("accepted", 1), ("rejected", 0), ("stopped", 0)])
def test_one_call_records_all_and_only_an_accepted_generation_moves_head(
    tmp_path: Path, verdict: Verdict, head: int
) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(1)
    sha = record_generation(factory.models, unrecorded(factory, verdict), reason="the gate said so")
    assert sha == manifest_sha(manifest_path(factory.models, 1))
    report = verify(factory.models)
    assert (report.problems, report.notes) == ([], [])
    store = HeadStore(factory.models)
    assert store.current() == head
    assert [(e.verdict, e.reason) for e in store.entries() if e.action == "record" and e.gen == 1] == [
        (verdict, "the gate said so")
    ]


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
@pytest.mark.parametrize(
    ("crash_after", "finished"), [("artefacts", None), ("manifest", None), ("row", 1), ("record", 1), ("accept", None)]
)
def test_what_a_crash_interrupted_is_finished_once(
    tmp_path: Path, crash_after: str, finished: int | None, verdict: Verdict
) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(1)
    for step in factory.steps(1, verdict=verdict):
        if step == crash_after:
            break
    whole = verdict == "rejected" and crash_after == "record"
    assert finish_recording(factory.models) == (None if whole else finished)
    assert finish_recording(factory.models) is None
    assert verify(factory.models).problems == []
    has_row = crash_after not in ("artefacts", "manifest")
    assert HeadStore(factory.models).current() == (1 if has_row and verdict == "accepted" else 0)


def test_the_next_recording_finishes_the_interrupted_one_first(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(1)
    steps = factory.steps(1, verdict="rejected")
    assert [next(steps), next(steps), next(steps)] == ["artefacts", "manifest", "row"]
    record_generation(factory.models, unrecorded(factory), reason="all targets met")
    assert verify(factory.models).problems == []
    assert [e.gen for e in HeadStore(factory.models).entries() if e.action == "record"] == [0, 1, 2]


def test_a_rollback_after_an_acceptance_is_not_undone(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(2)
    factory.rollback(0)
    assert finish_recording(factory.models) is None
    assert HeadStore(factory.models).current() == 0


def test_nothing_is_finished_in_a_new_or_a_hand_written_workspace(tmp_path: Path) -> None:
    assert finish_recording(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_generation_without_its_model_is_not_recorded(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(1)
    manifest = unrecorded(factory)
    (factory.models / "luna_age_1.gguf").unlink()
    with pytest.raises(LedgerError) as caught:
        record_generation(factory.models, manifest, reason="")
    assert "luna_age_1.gguf" in caught.value.where
    assert [row.gen_id for row in factory.store.read()] == [0]


def test_a_number_in_use_is_refused_before_anything_is_overwritten(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(2)
    before = manifest_path(factory.models, 1).read_bytes()
    with pytest.raises(LedgerBadInput, match="G1 is already in the ledger"):
        record_generation(factory.models, replace(factory_manifest(factory), seed=99), reason="")
    assert manifest_path(factory.models, 1).read_bytes() == before
    assert verify(factory.models).ok


def factory_manifest(factory: WorkspaceFactory) -> Manifest:
    return read_manifest(manifest_path(factory.models, 1))
