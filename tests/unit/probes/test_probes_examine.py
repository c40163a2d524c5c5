"""A whole examination: every distinct item once, the scores of every set, time by part, and back from JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from probes.base import Item, by_id
from probes.examine import PARTS, Examination, examine
from probes.style import StyleOptions, load_phrases, load_tone_probes

PHRASES = load_phrases()
PROBES = load_tone_probes()[:2]


def fact(n: int) -> Item:
    return Item(f"f{n}", f"fact {n}", f"answer {n}", "match")


def talk(n: int) -> Item:
    return Item(f"c{n}", f"talk {n}", f"right {n}", "choice", distractors=("wrong a", "wrong b"))


EXAM = [fact(1), fact(2), talk(1), talk(2)]
PARENT_QA = [fact(2), fact(3), talk(3), fact(4)]
ANCESTORS = {1: [fact(3), fact(5)], 0: [fact(5), fact(6), talk(1)]}
OWN_QA = [*EXAM, fact(7)]
DISTINCT = {"f1", "f2", "f3", "f4", "f5", "f6", "f7", "c1", "c2", "c3"}


def run(model: Any, **changes: Any) -> Examination:
    arguments: dict[str, Any] = {
        "parent_qa": PARENT_QA,
        "exam": EXAM,
        "ancestor_exams": ANCESTORS,
        "own_qa": OWN_QA,
        "tone_probes": PROBES,
        "phrases": PHRASES,
        "style_options": StyleOptions(samples=1, temperature=0.5, seed=3, max_tokens=20),
    }
    return examine(model, **(arguments | changes))


@pytest.fixture
def model(scripted: Any) -> Any:
    """Knows the facts but 2 and 6, and the talks but 2."""

    def answer(prompt: str, temperature: float, seed: int | None) -> str:
        kind, _, number = prompt.partition(" ")
        return f"Answer {number}." if kind == "fact" and number not in "26" else "As an AI, no."

    return scripted(answer, lambda prompt, text: -1.0 if text.startswith("right") and prompt != "talk 2" else -2.0)


def test_every_distinct_item_is_asked_once(model: Any) -> None:
    examination = run(model)
    assert Counter(r.id for r in examination.results) == Counter(DISTINCT)
    asked = Counter(prompt for prompt, _, temperature, _ in model.generated if prompt.startswith("fact"))
    assert asked == Counter({f"fact {n}": 1 for n in range(1, 8)})
    assert len(model.weighed) == 3 * 3
    assert max(Counter(model.weighed).values()) == 1


def test_the_same_item_object_in_two_sets_is_asked_once(model: Any) -> None:
    item = fact(1)
    examination = run(model, exam=[item, item], parent_qa=[item], ancestor_exams={0: [item]}, own_qa=[item])
    assert [r.id for r in examination.results] == ["f1"]
    assert examination.recall.n == examination.generalization.n == examination.by_ancestor[0].n == 1


def test_the_scores_of_every_set(model: Any) -> None:
    examination = run(model)
    assert (examination.generalization.value, examination.generalization.n) == (0.5, 4)
    assert (examination.recall.value, examination.recall.n) == (0.75, 4)
    assert {gen: (s.value, s.n) for gen, s in examination.by_ancestor.items()} == {0: (2 / 3, 3), 1: (1.0, 2)}
    assert list(examination.by_ancestor) == [0, 1]
    assert examination.own_qa is not None
    assert (examination.own_qa.value, examination.own_qa.n) == (0.6, 5)
    assert (examination.drift.value, examination.drift.n, examination.answered.value) == (1.0, 4, 1.0)


def test_the_sets_it_was_not_asked_about_do_not_change_a_score(model: Any) -> None:
    whole, alone = run(model), run(model, parent_qa=[], ancestor_exams={}, own_qa=())
    assert alone.generalization == whole.generalization
    assert alone.by_ancestor == {}
    assert alone.own_qa is None


def test_g0_has_recall_one_of_nothing(model: Any) -> None:
    examination = run(model, parent_qa=[], ancestor_exams={}, parent_results=None)
    assert (examination.recall.value, examination.recall.n, examination.retention) == (1.0, 0, None)


def test_retention_against_the_parents_own_examination(model: Any, scripted: Any) -> None:
    parent = run(scripted(lambda prompt, *_: f"answer {prompt.split()[-1]}"), exam=PARENT_QA, parent_qa=[], own_qa=())
    child = run(model, parent_results=by_id(parent.results))
    assert child.retention is not None
    assert (child.retention.value, child.retention.n) == (2 / 3, 3)
    assert (child.lost, child.gained) == (("f2",), ("c3",))


def test_style_options_reach_the_model(model: Any) -> None:
    run(model)
    tone = [call for call in model.generated if not call[0].startswith("fact")]
    assert sorted((limit, temperature) for _, limit, temperature, _ in tone) == [(20, 0.0)] * 2 + [(20, 0.5)] * 2


def test_progress_runs_from_one_to_the_total_and_names_the_part(model: Any) -> None:
    seen: list[tuple[int, int, str]] = []
    run(model, progress=lambda *step: seen.append(step))
    total = len(DISTINCT) + 4
    assert [step[:2] for step in seen] == [(n, total) for n in range(1, total + 1)]
    assert list(dict.fromkeys(step[2] for step in seen)) == [part for part in PARTS if part != "as_typed"]
    assert Counter(step[2] for step in seen) == {
        "generalization": 4,
        "recall": 3,
        "ancestors": 2,
        "own_qa": 1,
        "style": 4,
    }


def test_seconds_are_told_by_part(model: Any) -> None:
    ticks = iter([0, 1, 10, 12, 20, 23, 30, 34, 40, 45, 50, 56])
    examination = run(model, clock=lambda: float(next(ticks)))
    assert examination.seconds == dict(zip(PARTS, [1, 2, 3, 4, 5, 6], strict=True))


def test_one_id_for_two_questions_is_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="f1 stands for two different questions"):
        run(model, parent_qa=[Item("f1", "another", "answer 1", "match")])
    assert model.calls == []


def test_other_distractors_for_one_question_are_no_other_question(model: Any) -> None:
    other = Item("c1", "talk 1", "right 1", "choice", distractors=("else",))
    assert run(model, parent_qa=[other]).recall.n == 1
    assert ("talk 1", "else") not in model.weighed


def test_without_tone_probes_nothing_is_asked(model: Any) -> None:
    with pytest.raises(ValueError, match="tone probe"):
        run(model, tone_probes=[])
    assert model.calls == []


def test_an_examination_is_read_back_as_it_was(model: Any) -> None:
    examination = run(model, parent_results=by_id(run(model).results))
    stored = json.loads(json.dumps(examination.to_dict(), allow_nan=False))
    assert Examination.from_dict(stored) == examination
    assert stored == json.loads(json.dumps(Examination.from_dict(stored).to_dict()))
    assert stored.keys() - examination.summary().keys() == {"results", "typed_results", "tone_answers"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("recall"),
        lambda d: d.update(drift=None),
        lambda d: d.update(by_ancestor=[1]),
        lambda d: d["results"][0].pop("score"),
        lambda d: d["seconds"].update(style="soon"),
    ],
)
def test_a_damaged_examination_is_refused(model: Any, damage: Any) -> None:
    stored = json.loads(json.dumps(run(model).to_dict()))
    damage(stored)
    with pytest.raises(ValueError, match="not a stored examination"):
        Examination.from_dict(stored)


def test_the_same_model_gives_the_same_examination(model: Any) -> None:
    first, second = run(model), run(model)
    assert first.summary() | {"seconds": 0} == second.summary() | {"seconds": 0}
    assert (first.results, first.tone_answers) == (second.results, second.tone_answers)
