"""Models beside each other: which exams are fair, what chance explains, what is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tiny_workspace import TinyWorkspace, write_rows

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.evaluation.compare import compare_models, read_comparisons
from engine.pipeline.rollback import rollback
from ledger.errors import LedgerError

pytestmark = pytest.mark.slow


def compared(tiny: TinyWorkspace, *refs: str, refusals: bool = False) -> dict[str, Any]:
    config = tiny.config({"eval.generalization_target": 0.85})
    return compare_models(tiny.workspace, config, refs, refusals=refusals, progress=lambda *_: None, control=Control())


def test_base_and_two_generations_with_their_answers(evolved: TinyWorkspace) -> None:
    found = compared(evolved, "base", "G0", "HEAD", refusals=True)
    assert [model["label"] for model in found["models"]] == ["base", "G0", "G3"]
    assert [model["sha"] for model in found["models"]][1:] == [evolved.shas()[0], evolved.shas()[3]]
    for model in found["models"]:
        assert model["tokens_per_s"] > 0
        assert model["memory_bytes"] > 1e6
        assert model["size_bytes"] > 1000
        assert len(model["refusals"]["answers"]) >= 10
        assert len(model["tone"]) == 10
    # Beside the base a generation is judged on all it was taught.
    assert [pair["on"] for pair in found["pairs"]] == [[0], [0, 1, 2, 3]]
    row = evolved.workspace.ledger.read()[3]
    assert found["models"][2]["exams"]["3"]["value"] == pytest.approx(row.eval_generalization, abs=1e-6)
    assert found["models"][1]["exams"]["3"]["taught"] is False
    assert any("has" in warning and "are needed" in warning for warning in found["warnings"])


def test_it_is_kept_without_a_path_of_this_machine(evolved: TinyWorkspace) -> None:
    found = compared(evolved, "G1", "G3")
    assert read_comparisons(evolved.workspace) == [json.loads(json.dumps(found))]
    assert str(evolved.root) not in json.dumps(found)


def test_another_gguf_sits_the_same_exams(evolved: TinyWorkspace) -> None:
    other = evolved.root / "other.gguf"
    other.write_bytes(evolved.workspace.gguf(1).read_bytes() + b"\0" * 32)
    found = compared(evolved, "G3", str(other))
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"]) == ("G3", "other")
    assert pair["on"] == [0, 1, 2, 3]
    known = compared(evolved, "G3", "G1")["models"][1]
    assert {gen: e["value"] for gen, e in found["models"][1]["exams"].items()} == {
        gen: e["value"] for gen, e in known["exams"].items()
    }


def test_branches_are_compared_on_what_both_were_taught(evolved: TinyWorkspace) -> None:
    rollback(evolved.workspace, "G1", reason="test")
    more = write_rows(evolved.root / "more.jsonl", [{"prompt": f"Number {n}?", "response": f"{n}."} for n in range(20)])
    assert evolved.train(data=(more,)).exit_code in (0, 3), "whatever the gate says, it can be compared"
    (pair,) = compared(evolved, "G3", "G4")["pairs"]
    assert pair["on"] == [0, 1]
    assert {exam["gen"]: exam["taught_both"] for exam in pair["exams"]} == {
        0: True,
        1: True,
        2: False,
        3: False,
        4: False,
    }


def test_items_one_of_them_was_trained_on_are_left_out(evolved: TinyWorkspace) -> None:
    rollback(evolved.workspace, "G1", reason="test")
    held = [
        {"prompt": row["prompt"], "response": row["response"], "topic": row.get("topic")}
        for row in evolved.lines(3, "data/holdout.jsonl")
    ]
    fresh = [{"prompt": f"Number {n}?", "response": f"{n}.", "topic": "n"} for n in range(30)]
    data = write_rows(evolved.root / "leak.jsonl", [*held, *fresh])
    assert evolved.train(data=(data,)).exit_code in (0, 3)
    trained = {line["id"] for line in evolved.lines(4, "data/train.jsonl")}
    leaked = [item for item in evolved.lines(3, "exam.jsonl") if item["id"] in trained]
    assert leaked, "the test's own data"
    exams = {exam["gen"]: exam for exam in compared(evolved, "G3", "G4")["exams"]}
    assert exams.get(3, {"left_out": len(evolved.lines(3, "exam.jsonl"))})["left_out"] == len(leaked)


def test_two_lineages_with_nothing_in_common_are_not_comparable(evolved: TinyWorkspace) -> None:
    rollback(evolved.workspace, "base", reason="test")
    assert evolved.train(phase="base").exit_code == 0
    with pytest.raises(UsageError, match="taught nothing in common") as caught:
        compared(evolved, "G3", "G4")
    assert "G0, G1, G2, G3, and the base" in caught.value.hint


def test_one_model_is_no_comparison(evolved: TinyWorkspace) -> None:
    for refs in (["G1"], ["G3", "HEAD"]):
        with pytest.raises(UsageError, match="two or more different models"):
            compared(evolved, *refs)
    with pytest.raises(LedgerError):
        compared(evolved, "G1", "G77")
    with pytest.raises(UsageError, match="no such file"):
        compared(evolved, "G1", "./gone.gguf")


def test_without_a_generation_there_is_no_exam(tiny: TinyWorkspace) -> None:
    other = tiny.root / "other.gguf"
    other.write_bytes((tiny.root / "base.gguf").read_bytes() + b"\0" * 32)
    with pytest.raises(UsageError, match="no exam to compare them on"):
        compared(tiny, "base", str(other))
