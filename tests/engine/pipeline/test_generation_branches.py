"""Rollback, branches, rejection: what happens to HEAD and what stays as evidence."""

from __future__ import annotations

import pytest
from tiny_workspace import TinyWorkspace, talk, write_rows

from engine.core.errors import UsageError
from engine.pipeline.rollback import rollback
from engine.workspace.lineage_rows import lineage_rows
from engine.workspace.verify import verify_workspace

pytestmark = pytest.mark.slow


def test_training_after_a_rollback_makes_a_branch(evolved: TinyWorkspace) -> None:
    assert rollback(evolved.workspace, "1", reason="too chatty") == {"from": 3, "to": 1}
    assert evolved.workspace.head.current() == 1
    assert evolved.train().exit_code == 0
    rows = lineage_rows(evolved.workspace)
    assert [row["parent_gen"] for row in rows] == [None, 0, 1, 2, 1]
    assert rows[1]["children"] == [2, 4]
    assert [row["head"] for row in rows] == [False, False, False, False, True]
    # The other branch's rows are new again for this one, and what that branch held out binds nobody here.
    new = [row["id"] for row in evolved.lines(4, "data/new.jsonl")]
    assert new == [row["id"] for row in evolved.lines(2, "data/new.jsonl")]
    line_held = {row["id"] for gen in (0, 1, 4) for row in evolved.lines(gen, "data/holdout.jsonl")}
    assert not line_held & {row["id"] for row in evolved.lines(4, "data/train.jsonl")}
    assert {row["from_gen"] for row in evolved.lines(4, "data/replay.jsonl")} <= {0, 1}
    report = verify_workspace(evolved.workspace)
    assert report.ok, report.problems
    reasons = [entry.reason for entry in evolved.workspace.head.entries() if entry.action == "rollback"]
    assert reasons == ["too chatty"]


def test_numbers_are_never_used_twice(evolved: TinyWorkspace) -> None:
    rollback(evolved.workspace, "base", reason="")
    assert evolved.train().exit_code == 0
    rollback(evolved.workspace, "G0", reason="")
    assert evolved.train().exit_code == 0
    assert [row.gen_id for row in evolved.workspace.ledger.read()] == [0, 1, 2, 3, 4, 5]
    assert evolved.workspace.lineage().parent_gen(4) is None
    assert evolved.workspace.lineage().parent_gen(5) == 0
    assert len(set(evolved.shas())) == 6, "the file says which generation it is, so equal weights differ too"


def test_rolling_back_to_where_head_is(evolved: TinyWorkspace) -> None:
    with pytest.raises(UsageError, match="HEAD is at G3 already"):
        rollback(evolved.workspace, "HEAD", reason="")


def test_parent_can_be_named(evolved: TinyWorkspace) -> None:
    assert evolved.train(parent="G0", generations=2).exit_code == 0
    # The second one descends from the first, not again from G0.
    assert [row["parent_gen"] for row in lineage_rows(evolved.workspace)] == [None, 0, 1, 2, 0, 4]


def test_the_gate_rejects_and_keeps_the_evidence(evolved: TinyWorkspace) -> None:
    before = evolved.workspace.gguf(3).read_bytes()
    impossible = {"eval.generalization_target": 1.0, "eval.recall_target": 1.0}
    outcome = evolved.train(overrides=impossible, generations=3)
    assert outcome.exit_code == 3
    assert [event.verdict for event in outcome.finished] == ["rejected"], "one rejection ends the request"
    assert any("generalization" in reason for reason in outcome.finished[0].reasons)
    assert outcome.finished[0].head == 3
    assert "luna-tui eval G4 --recorded" in outcome.finished[0].hint
    workspace = evolved.workspace
    assert workspace.head.current() == 3
    assert workspace.gguf(3).read_bytes() == before
    assert workspace.gguf(4).exists()
    assert [row["verdict"] for row in lineage_rows(workspace)][-1] == "rejected"
    assert verify_workspace(workspace).ok


def test_what_a_rejected_generation_saw_may_be_learnt_again(evolved: TinyWorkspace) -> None:
    assert evolved.train(overrides={"eval.generalization_target": 1.0}).exit_code == 3
    assert evolved.train().exit_code == 0
    rejected, accepted = (evolved.lines(gen, "data/new.jsonl") for gen in (4, 5))
    assert accepted == rejected
    assert evolved.workspace.lineage().parent_gen(5) == 3


def test_the_stop_rule_stops_the_lineage(evolved: TinyWorkspace) -> None:
    # Generalization stands at 1.0 since G1, so it does not rise; any drift at all is then too much.
    rule: dict[str, object] = {"stop_rule.enabled": True, "stop_rule.theta": 0.0}
    (evolved.root / "phrases.txt").write_text(
        "with what\na small model\nsomething always works\nit was little\nyou ask\n"
    )
    outcome = evolved.train(overrides=rule | {"eval.phrases": "phrases.txt"})
    drift = evolved.workspace.ledger.read()[4].eval_style_drift
    assert drift is not None
    assert drift > 0, "some probe is answered with what was learnt"
    assert outcome.exit_code == 3
    assert outcome.finished[0].verdict == "stopped"
    assert "fix the data, not the size" in outcome.finished[0].reasons[0]
    assert evolved.workspace.head.current() == 3


def test_given_data_is_what_is_learnt(evolved: TinyWorkspace) -> None:
    given = write_rows(evolved.root / "more.jsonl", talk(15, start=500))
    assert evolved.train(data=(given,)).exit_code == 0
    assert [row["prompt"] for row in evolved.lines(4, "data/new.jsonl")] == [row["prompt"] for row in talk(15, 500)]


def test_the_inbox_is_learnt_after_the_curriculum(evolved: TinyWorkspace) -> None:
    write_rows(evolved.root / "inbox" / "chat.jsonl", talk(12, start=700))
    # 20 unseen conversations of the curriculum come first, then the inbox's.
    assert evolved.train(generations=2).exit_code == 0
    prompts = [row["prompt"] for row in evolved.lines(5, "data/new.jsonl")]
    assert prompts == [row["prompt"] for row in talk(12, 700)]
