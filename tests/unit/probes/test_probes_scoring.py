"""Scoring: only a right answer that the model ended itself counts; a choice must be won, not shared."""

from __future__ import annotations

import json
from math import inf, nan
from typing import Any

import pytest

from probes.base import Generation, Item, ItemResult
from probes.scoring import max_answer_tokens, score_items


def fact(id_: str, expected: str = "Halt.", accept: tuple[str, ...] = ()) -> Item:
    return Item(id_, f"prompt {id_}", expected, "match", accept=accept)


def voice(id_: str, *distractors: str) -> Item:
    return Item(id_, f"prompt {id_}", "With what?", "choice", distractors=distractors or ("No.", "Later.", "Ask."))


@pytest.mark.parametrize(
    ("text", "stop_reason", "score"),
    [
        ("Halt.", "eos", 1.0),
        ("halt", "eos", 1.0),
        ("Stop", "eos", 1.0),
        ("Halt.", "length", 0.0),
        ("Halt.", "stopped", 0.0),
        ("Halt. And then some.", "eos", 0.0),
        ("", "eos", 0.0),
    ],
)
def test_match_needs_the_right_text_and_an_eos(scripted: Any, text: str, stop_reason: Any, score: float) -> None:
    model = scripted(lambda *_: Generation(text, 3, stop_reason, 12.5))
    (result,) = score_items(model, [fact("m", accept=("stop",))])
    assert (result.score, result.output, result.stop_reason, result.ms) == (score, text, stop_reason, 12.5)
    assert result.right is (score == 1.0)
    assert result.how == "match"


@pytest.mark.parametrize(
    ("expected", "accept", "tokens"), [("one", (), 19), ("one two three", (), 25), ("one", ("a b c d e",), 31)]
)
def test_the_answer_may_be_as_long_as_the_longest_right_one(expected: str, accept: Any, tokens: int) -> None:
    assert max_answer_tokens(fact("m", expected, accept)) == tokens


def test_match_items_are_asked_greedily_in_one_batch_with_their_own_limits(scripted: Any) -> None:
    model = scripted()
    score_items(model, [fact("m1", "one"), fact("m2", "one two three")])
    assert model.calls == ["generate"]
    assert model.generated == [("prompt m1", 19, 0.0, None), ("prompt m2", 25, 0.0, None)]


def test_choice_takes_the_best_mean_per_token_not_the_best_sum(scripted: Any) -> None:
    # The true answer has the worse sum (-6 against -4) but the better mean (-2 against -4).
    weights = {"With what?": (-6.0, 3), "No.": (-4.0, 1), "Later.": (-9.0, 2), "Ask.": (-50.0, 10)}
    model = scripted(weigh=lambda _, answer: weights[answer])
    (result,) = score_items(model, [voice("c")])
    assert (result.score, result.output) == (1.0, "With what?")
    assert result.detail == {
        "logprobs": {"With what?": -2.0, "No.": -4.0, "Later.": -4.5, "Ask.": -5.0},
        "chosen": 0,
    }
    assert model.calls == ["loglikelihood"]
    assert result.ms == pytest.approx(4 * 3.0)


def test_choice_reports_the_distractor_it_preferred(scripted: Any) -> None:
    model = scripted(weigh=lambda _, answer: {"Later.": -0.5}.get(answer, -1.0))
    (result,) = score_items(model, [voice("c")])
    assert (result.score, result.output, result.detail["chosen"]) == (0.0, "Later.", 2)


@pytest.mark.parametrize("difference", [0.0, 1e-12, -1e-12])
def test_a_tie_is_wrong(scripted: Any, difference: float) -> None:
    model = scripted(weigh=lambda _, answer: -1.0 + (difference if answer == "With what?" else 0.0))
    (result,) = score_items(model, [voice("c")])
    assert result.score == 0.0
    assert result.output != "With what?"


@pytest.mark.parametrize(
    ("true", "other", "score"),
    [(-1.0, -inf, 1.0), (-inf, -1.0, 0.0), (-inf, -inf, 0.0), (nan, -1.0, 0.0), (-1.0, nan, 0.0), (inf, -1.0, 0.0)],
)
def test_a_model_without_usable_numbers_wins_nothing_and_stays_json(
    scripted: Any, true: float, other: float, score: float
) -> None:
    model = scripted(weigh=lambda _, answer: true if answer == "With what?" else other)
    (result,) = score_items(model, [voice("c")])
    assert result.score == score
    json.dumps(result.to_dict(), allow_nan=False)


def test_a_true_answer_of_no_tokens_cannot_win(scripted: Any) -> None:
    model = scripted(weigh=lambda _, answer: (0.0, 0) if answer == "With what?" else (-9.0, 1))
    (result,) = score_items(model, [voice("c")])
    assert result.score == 0.0


def test_a_choice_without_distractors_is_refused_by_name(scripted: Any) -> None:
    with pytest.raises(ValueError, match=r"c9.*no distractor"):
        score_items(scripted(), [Item("c9", "p", "x", "choice")])


def test_mixed_items_come_back_in_order_from_two_calls(scripted: Any) -> None:
    model = scripted(lambda *_: "halt", lambda _, answer: -0.1 if answer == "With what?" else -1.0)
    results = score_items(model, [voice("c1"), fact("m1"), voice("c2", "No."), fact("m2", "Other")])
    assert [(r.id, r.how, r.score) for r in results] == [
        ("c1", "choice", 1.0),
        ("m1", "match", 1.0),
        ("c2", "choice", 1.0),
        ("m2", "match", 0.0),
    ]
    assert sorted(model.calls) == ["generate", "loglikelihood"]
    assert len(model.weighed) == 4 + 2


def test_progress_counts_whole_items(scripted: Any) -> None:
    seen: list[tuple[int, int, str]] = []
    score_items(scripted(), [voice("c1"), fact("m1"), voice("c2")], progress=lambda *step: seen.append(step), label="x")
    assert seen == [(1, 3, "x"), (2, 3, "x"), (3, 3, "x")]


def test_no_items_ask_nothing(scripted: Any) -> None:
    model = scripted()
    assert score_items(model, []) == []
    assert model.calls == []


def test_a_model_that_loses_answers_is_an_error(scripted: Any) -> None:
    model = scripted()
    model.generate = lambda prompts, **_: []
    with pytest.raises(ValueError, match="0 answers to 1 inputs"):
        score_items(model, [fact("m")])


def test_an_interruption_in_progress_is_not_swallowed(scripted: Any) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_items(scripted(), [fact("m")], progress=stop)


@pytest.mark.parametrize(
    "item",
    [
        fact("a"),
        Item("b", "p", "x", "choice", ("y",), ("d1", "d2"), stage="s", topic="t", gen=3),
        Item("c", "p", "x", "match", topic="", gen=0),
    ],
)
def test_items_survive_json(item: Item) -> None:
    assert Item.from_dict(json.loads(json.dumps(item.to_dict()))) == item


def test_item_results_survive_json() -> None:
    result = ItemResult("a", "p", "o", "x", 1.0, "choice", 1.5, "", {"logprobs": {"o": -1.0}, "chosen": 0})
    assert ItemResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


@pytest.mark.parametrize(("id_", "how", "message"), [("", "match", "without an id"), ("i", "guess", "'guess'")])
def test_an_item_that_cannot_be_scored_is_refused(id_: str, how: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Item(id_, "p", "x", how)
