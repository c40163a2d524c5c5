"""Scores and the sets they are computed over: Wilson, recall, retention, generalization, forgetting, the QA sample."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from probes.base import Item, ItemResult, by_id
from probes.forgetting import ancestor_exams
from probes.generalization import generalization
from probes.qa_set import fixed_sample
from probes.recall import recall
from probes.statistics.intervals import Score, wilson


# R. G. Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3 (score without continuity correction);
# the rows of 10 are the usual textbook values.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
    ],
)
def test_wilson_against_published_values(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_knows_nothing_from_nothing_and_is_exact_at_the_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert all(wilson(0, n)[0] == 0.0 and wilson(n, n)[1] == 1.0 for n in range(1, 200))


@pytest.mark.parametrize("n", [1, 2, 7, 50, 1000])
def test_wilson_holds_the_share_is_symmetric_and_takes_halves(n: int) -> None:
    for doubled in range(2 * n + 1):
        low, high = wilson(doubled / 2, n)
        assert 0 <= low <= doubled / 2 / n <= high <= 1
        assert wilson(n - doubled / 2, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0, -1), (float("nan"), 5)])
def test_wilson_refuses_what_is_no_proportion(successes: float, n: int) -> None:
    with pytest.raises(ValueError, match="proportion"):
        wilson(successes, n)


def test_a_score_survives_json() -> None:
    score = Score.of(3, 7)
    assert Score.from_dict(json.loads(json.dumps(score.to_dict()))) == score
    assert score.value == pytest.approx(3 / 7)


def item(id_: str) -> Item:
    return Item(id_, f"p {id_}", "x", "match")


def results(**scores: float) -> dict[str, ItemResult]:
    return by_id(ItemResult(id_, "p", "o", "x", score, "match", 1.0) for id_, score in scores.items())


QA = [item(id_) for id_ in "abcd"]


def test_recall_and_retention() -> None:
    got = recall(results(a=1, b=0, c=1, d=0, z=0), QA, results(a=1, b=1, c=0, d=0))
    assert (got.score.value, got.score.n) == (0.5, 4)
    assert got.retention is not None
    assert (got.retention.value, got.retention.n) == (0.5, 2)
    assert (got.lost, got.gained) == (("b",), ("c",))
    assert json.loads(json.dumps(got.to_dict()))["lost"] == ["b"]


def test_g0_has_full_recall_of_nothing() -> None:
    got = recall({}, [], None)
    assert got.score == Score(1.0, 0, 0.0, 1.0)
    assert got.retention is None


@pytest.mark.parametrize("parent", [None, {}, results(a=0, b=0, c=0, d=0), results(z=1)])
def test_no_retention_without_a_right_answer_to_keep(parent: dict[str, ItemResult] | None) -> None:
    assert recall(results(a=1, b=1, c=1, d=1), QA, parent).retention is None


def test_retention_counts_only_items_the_parent_was_asked() -> None:
    got = recall(results(a=1, b=1, c=0, d=0), QA, results(a=1))
    assert got.retention == Score.of(1, 1)


def test_an_item_asked_twice_counts_once() -> None:
    assert recall(results(a=1, b=0), [item("a"), item("a"), item("b")], None).score == Score.of(1, 2)
    assert generalization(results(a=1, b=0), [item("a"), item("a"), item("b")]) == Score.of(1, 2)


def test_generalization_is_accuracy_on_the_exam_alone() -> None:
    assert generalization(results(a=1, b=1, c=0, d=1, z=0), QA) == Score.of(3, 4)


def test_an_empty_exam_proves_nothing() -> None:
    assert generalization({}, []) == Score(0.0, 0, 0.0, 1.0)


def test_every_ancestor_keeps_its_own_row_oldest_first() -> None:
    got = ancestor_exams(results(a=1, b=1, c=0, d=0), {3: [item("c"), item("d")], 0: [item("a"), item("c")]})
    assert list(got.items()) == [(0, Score.of(1, 2)), (3, Score.of(0, 2))]


def test_an_item_without_a_result_is_an_error_not_a_smaller_n() -> None:
    with pytest.raises(ValueError, match="item b"):
        recall(results(a=1), [item("a"), item("b")], None)
    with pytest.raises(ValueError, match="item b"):
        ancestor_exams(results(a=1), {0: [item("a"), item("b")]})


IDS = [f"row{i}" for i in range(500)]


def test_the_sample_is_the_smallest_by_hash_whatever_the_order() -> None:
    want = sorted(IDS, key=lambda id_: sha256(b"salt" + id_.encode()).hexdigest())[:100]
    assert fixed_sample(IDS, 100, "salt") == want
    assert fixed_sample([*reversed(IDS), *IDS], 100, "salt") == want


def test_another_salt_is_another_sample() -> None:
    assert set(fixed_sample(IDS, 100, "g1")) != set(fixed_sample(IDS, 100, "g2"))


def test_one_row_more_moves_at_most_one_other_row() -> None:
    before = set(fixed_sample(IDS, 100, "s"))
    assert len(before - set(fixed_sample([*IDS, "another"], 100, "s"))) <= 1


@pytest.mark.parametrize(
    ("ids", "k", "size"), [([], 5, 0), (["a"], 5, 1), (["a", "a"], 5, 1), (IDS, 0, 0), (IDS, 500, 500)]
)
def test_sizes_of_the_sample(ids: list[str], k: int, size: int) -> None:
    assert len(fixed_sample(ids, k, "s")) == size


def test_a_negative_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="k=-1"):
        fixed_sample(IDS, -1, "s")
