"""Items asked as people type them: the wording by the item's hash, each scored as the plain one is, answers whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes.base import Generation, Item
from probes.examine import Examination, examine, share_continued
from probes.style import load_phrases, load_tone_probes
from probes.typed import TypedResult, as_typed_items, run_as_typed, typed_score

FACTS = [Item(f"f{n}", f"What is Fact {n}?", f"answer {n}", "match") for n in range(1, 7)]
TALK = [Item(f"c{n}", f"Hello Talk {n}.", f"right {n}", "choice", distractors=("wrong",)) for n in range(1, 4)]


@pytest.fixture
def model(scripted: Any) -> Any:
    """Answers what ends in a mark; of the rest it first adds the mark it misses."""

    def answer(prompt: str, temperature: float, seed: int | None) -> Generation:
        number = prompt.rstrip("?.").split()[-1]
        text = f"answer {number}"
        if prompt.endswith(("?", ".")):
            return Generation(text, 2, "eos", 2.0)
        return Generation(f".\n{text}", 3, "eos", 2.0, continued=True)

    return scripted(answer, lambda prompt, text: -1.0 if text.startswith("right") else -2.0)


def test_each_item_is_asked_in_one_wording_fixed_by_its_hash(model: Any) -> None:
    results = run_as_typed(model, [*FACTS, *TALK])
    assert [result.id for result in results] == [item.id for item in (*FACTS, *TALK)]
    assert all(r.prompt != i.prompt for r, i in zip(results, (*FACTS, *TALK), strict=True))
    assert [result.prompt for result in results] == [item.prompt for _, item in as_typed_items([*FACTS, *TALK])]
    assert {result.habit for result in results} == {"no mark", "lower case", "both"}


def test_an_answer_that_goes_on_is_wrong_marked_and_kept_whole(model: Any) -> None:
    results = run_as_typed(model, FACTS)
    on = [result for result in results if result.habit != "lower case"]
    assert on
    assert all(result.continued and not result.right and result.text.startswith(".\n") for result in on)
    assert all(r.right and not r.continued for r in results if r.habit == "lower case")


def test_choice_items_are_weighed_and_answered(model: Any) -> None:
    results = run_as_typed(model, TALK)
    assert all(result.how == "choice" and result.right for result in results)
    assert {prompt for prompt, _ in model.weighed} == {result.prompt for result in results}
    assert {call[0] for call in model.generated} == {result.prompt for result in results}
    assert any(result.continued for result in results)


def test_progress_counts_items(model: Any) -> None:
    seen: list[tuple[int, int, str]] = []
    run_as_typed(model, [*FACTS, *TALK], progress=lambda *step: seen.append(step))
    assert seen[-1] == (9, 9, "as typed")
    assert [step[0] for step in seen] == sorted(step[0] for step in seen)


def test_a_score_counts_those_that_were_asked(model: Any) -> None:
    results = {result.id: result for result in run_as_typed(model, FACTS)}
    score = typed_score(results, [*FACTS, *FACTS, *TALK])
    assert score is not None
    assert (score.n, score.value) == (6, sum(r.right for r in results.values()) / 6)
    assert typed_score(results, TALK) is None


def test_a_result_is_read_back_as_it_was(model: Any) -> None:
    for result in run_as_typed(model, [*FACTS, *TALK]):
        assert TypedResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def examination(model: Any, **changes: Any) -> Examination:
    arguments: dict[str, Any] = {
        "parent_qa": FACTS[3:],
        "exam": [*FACTS[:3], *TALK],
        "ancestor_exams": {},
        "tone_probes": load_tone_probes(),
        "phrases": load_phrases(),
        "as_typed": [*FACTS, *TALK],
    }
    return examine(model, **(arguments | changes))


def test_an_examination_tells_how_many_answers_go_on(model: Any) -> None:
    found = examination(model)
    assert found.continued is not None
    assert found.continued.n == 50 + 9
    on = [*(a.continued for a in found.tone_answers), *(r.continued for r in found.typed_results)]
    assert found.continued.value == pytest.approx(sum(map(bool, on)) / 59)
    assert found.continued.value > 0.3
    assert found.typed_generalization is not None
    assert found.typed_recall is not None
    assert (found.typed_generalization.n, found.typed_recall.n) == (6, 3)
    assert found.generalization.value == 1.0, "the plain exam sees nothing of it"
    assert Examination.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_without_questions_the_tone_answers_alone_are_counted(model: Any) -> None:
    found = examination(model, as_typed=[])
    assert found.continued is not None
    assert (found.continued.n, found.typed_generalization, found.typed_recall) == (50, None, None)


def test_a_record_from_before_says_nothing_about_it(model: Any) -> None:
    old = examination(model).to_dict()
    for key in ("continued", "typed_generalization", "typed_recall", "typed_results"):
        del old[key]
    for answer in old["tone_answers"]:
        del answer["continued"]
    found = Examination.from_dict(json.loads(json.dumps(old)))
    assert (found.continued, found.typed_generalization, found.typed_results) == (None, None, ())
    assert share_continued(found.tone_answers, ()) is None
