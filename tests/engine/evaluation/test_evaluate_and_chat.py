"""What people ask of a recorded lineage: exams again, the base beside it, a raw prompt."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.cancellation import Control
from engine.core.errors import Interrupted, LunaError, UsageError
from engine.evaluation.evaluate import Eval, evaluate, evaluate_one, recorded_evaluation
from engine.service.chat import open_chat
from ledger.hashing import sha256_file
from probes.base import ItemResult

pytestmark = pytest.mark.slow


def sit(tiny: TinyWorkspace, reference: str, **overrides: Any) -> dict[str, Any]:
    config = tiny.config({key.replace("__", "."): value for key, value in overrides.items()})
    return evaluate(tiny.workspace, config, reference, progress=lambda *_: None, control=Control())


def test_sitting_the_exams_again_gives_the_recorded_scores(lineage: TinyWorkspace) -> None:
    again = sit(lineage, "HEAD")
    recorded = recorded_evaluation(lineage.workspace, lineage.config(), "G3")
    for key in ("gen", "label", "sha", "scores", "by_ancestor", "targets", "passes", "lost", "gained"):
        assert again[key] == recorded[key], key
    assert [(i["id"], i["output"], i["score"], i["sets"]) for i in again["items"]] == [
        (i["id"], i["output"], i["score"], i["sets"]) for i in recorded["items"]
    ]
    assert [answer["text"] for answer in again["tone"]] == [answer["text"] for answer in recorded["tone"]]
    row = lineage.workspace.ledger.read()[3]
    assert again["scores"]["generalization"]["value"] == pytest.approx(row.eval_generalization, abs=1e-6)


@pytest.mark.parametrize("only", ["recall", "generalization", "drift"])
def test_one_eval_again_takes_its_place_in_the_record(lineage: TinyWorkspace, only: Eval) -> None:
    labels: set[str] = set()
    again = evaluate_one(
        lineage.workspace,
        lineage.config(),
        "HEAD",
        only,
        progress=lambda done, total, label: labels.add(label),
        control=Control(),
    )
    recorded = recorded_evaluation(lineage.workspace, lineage.config(), "G3")
    for key in ("gen", "sha", "scores", "by_ancestor", "passes", "lost", "gained"):
        assert again[key] == recorded[key], key
    assert [answer["text"] for answer in again["tone"]] == [answer["text"] for answer in recorded["tone"]]
    assert [(i["id"], i["output"]) for i in again["items"]] == [(i["id"], i["output"]) for i in recorded["items"]]
    assert again["note"] == f"{only} examined again; the rest as recorded"
    assert len(labels) == 1, "the others were not run"


def test_one_eval_again_replaces_what_was_recorded(lineage: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.evaluation import evaluate as module

    def all_wrong(items: Any) -> list[ItemResult]:
        return [ItemResult(i.id, i.prompt, "no", i.expected, 0.0, i.how, 1.0) for i in items]

    monkeypatch.setattr(module, "score_items", lambda runtime, items, **_: all_wrong(items))
    again = evaluate_one(
        lineage.workspace, lineage.config(), "G3", "generalization", progress=lambda *_: None, control=Control()
    )
    recorded = recorded_evaluation(lineage.workspace, lineage.config(), "G3")
    assert again["scores"]["generalization"]["value"] == 0.0
    assert again["scores"]["recall"] == recorded["scores"]["recall"]
    exam = [item for item in again["items"] if "exam:G3" in item["sets"]]
    assert exam
    assert {item["output"] for item in exam} == {"no"}
    assert recorded_evaluation(lineage.workspace, lineage.config(), "G3") == recorded, "nothing recorded changed"


@pytest.mark.parametrize(
    ("reference", "only", "said"), [("base", "drift", "no recorded examination"), ("G0", "recall", "no parent")]
)
def test_one_eval_alone_needs_something_to_stand_in(
    lineage: TinyWorkspace, reference: str, only: Eval, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        evaluate_one(lineage.workspace, lineage.config(), reference, only, progress=lambda *_: None, control=Control())


def test_every_item_says_which_exams_it_belongs_to(lineage: TinyWorkspace) -> None:
    items = recorded_evaluation(lineage.workspace, lineage.config(), "G2")["items"]
    assert all(item["sets"] for item in items)
    names = {name for item in items for name in item["sets"]}
    assert names == {"exam:G0", "exam:G1", "exam:G2", "qa:G1", "qa:G2"}
    assert len([item for item in items if "exam:G0" in item["sets"]]) == 7


def test_the_base_sits_the_exams_of_heads_lineage(lineage: TinyWorkspace) -> None:
    base = sit(lineage, "base")
    assert base["gen"] is None
    assert base["label"] == "base"
    assert base["sha"] == sha256_file(lineage.workspace.base_dir / "base.gguf")
    assert [score["gen"] for score in base["by_ancestor"]] == [0, 1, 2]
    assert base["scores"]["generalization"]["n"] == len(lineage.lines(3, "exam.jsonl"))
    head = recorded_evaluation(lineage.workspace, lineage.config(), "HEAD")
    assert base["scores"]["recall"]["n"] == head["scores"]["recall"]["n"]
    assert base["scores"]["recall"]["value"] < head["scores"]["recall"]["value"], "it has not been taught"
    assert "lineage" in base["note"]


def test_the_base_has_nothing_on_record(lineage: TinyWorkspace) -> None:
    with pytest.raises(UsageError, match="the base has no recorded examination"):
        recorded_evaluation(lineage.workspace, lineage.config(), "base")


def test_an_exam_can_be_stopped(lineage: TinyWorkspace) -> None:
    control = Control()

    def stop(done: int, _total: int, _label: str) -> None:
        if done:
            control.stop()

    with pytest.raises(Interrupted):
        evaluate(lineage.workspace, lineage.config(), "G3", progress=stop, control=control)


def test_an_exam_has_a_time_limit(lineage: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.evaluation import run_eval

    clock = iter(range(0, 10**9, 400))
    monkeypatch.setattr(run_eval.time, "monotonic", lambda: next(clock))
    progress = run_eval.watch(lambda *_: None, Control(), 300)
    progress(1, 9, "recall")
    with pytest.raises(LunaError, match="'recall' took more than 300 s"):
        progress(2, 9, "recall")


def test_chat_answers_the_raw_prompt(lineage: TinyWorkspace) -> None:
    model = open_chat(lineage.workspace, lineage.config(), "HEAD")
    try:
        assert (model.label, model.gen) == ("G3", 3)
        events = list(model.stream("Who are you, 7?", max_tokens=24, temperature=0.0, seed=0))
    finally:
        model.close()
    assert "".join(event.text for event in events).strip() == "A small model."
    stats = events[-1].stats
    assert stats is not None
    assert stats.stop_reason == "eos"


def test_the_base_can_be_talked_to_without_its_weights(template: TinyWorkspace, tmp_path: Any) -> None:
    import os

    tiny = template.copy_to(tmp_path / "talk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUNA_CACHE", str(tmp_path / "cache"))
        model = open_chat(tiny.workspace, tiny.config(), "base")
        assert list(model.stream("Hello", max_tokens=4, temperature=0.7, seed=1))
        model.close()
        assert not os.path.exists(tmp_path / "cache"), "nothing is de-quantised for a chat"


def test_kept_turns_are_fed_as_in_training_and_only_what_is_new_is_decoded(evolved: TinyWorkspace) -> None:
    chat = open_chat(evolved.workspace, evolved.config(), "HEAD")
    try:
        first = list(chat.stream("Question 1?", max_tokens=8, temperature=0.0, seed=0))
        said = "".join(event.text for event in first)
        turns = ("Question 1?", said or "so", "And then?")
        assert chat.newest_turns(turns, 8) == turns
        last = list(chat.stream(turns, max_tokens=8, temperature=0.0, seed=0))[-1].stats
        assert last is not None
        assert last.prompt_decoded < last.prompt_tokens, "the first prompt is still in the cache"
        long = tuple(f"turn {at} of very many" for at in range(201))
        kept = chat.newest_turns(long, 32)
        assert kept == long[-len(kept) :]
        assert 1 < len(kept) < 201
        assert len(kept) % 2 == 1, "it begins with a person's turn"
        more = (long[-len(kept) - 2], long[-len(kept) - 1], *kept)
        assert chat.newest_turns(more, 32) == kept, "the window has no room for two more"
        assert chat.newest_turns((*long, "word " * 400), 32) == ("word " * 400,)
    finally:
        chat.close()
