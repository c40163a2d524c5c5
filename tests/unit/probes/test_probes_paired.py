"""Paired comparisons: known values of the test, its symmetry, and what the intervals say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.statistics.intervals import wilson
from probes.statistics.paired import bootstrap, compare, fewest_items, mcnemar

COUNTS = st.integers(0, 60)


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 0.0625),  # 2 / 2⁵
        (6, 0, 0.03125),  # 2 / 2⁶: the first shut-out that is no noise
        (8, 1, 0.0390625),  # 2 · (1 + 9) / 2⁹
        (10, 10, 1.0),
    ],
)
def test_known_values(won: int, lost: int, p: float) -> None:
    assert mcnemar(won, lost) == p


@given(COUNTS, COUNTS)
def test_it_is_a_probability_and_takes_no_side(won: int, lost: int) -> None:
    assert 0 < mcnemar(won, lost) <= 1
    assert mcnemar(won, lost) == mcnemar(lost, won)


@given(COUNTS, st.integers(1, 20))
def test_a_wider_gap_is_never_more_likely(lost: int, more: int) -> None:
    assert mcnemar(lost + more + 1, lost) <= mcnemar(lost + more, lost)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        mcnemar(-1, 2)


def scores(right: str) -> dict[str, float]:
    return {f"i{n}": float(mark) for n, mark in enumerate(right)}


def test_only_what_both_were_asked_counts() -> None:
    found = compare({"a": 1.0, "b": 0.0, "x": 1.0}, {"a": 0.0, "b": 1.0, "y": 1.0})
    assert (found.n, found.won, found.lost, found.difference) == (2, 1, 1, 0.0)


def test_better_worse_and_noise() -> None:
    base = "0" * 10 + "1" * 10
    assert compare(scores(base), scores("1" * 20)).verdict == "better"
    assert compare(scores("1" * 20), scores(base)).verdict == "worse"
    found = compare(scores(base), scores("1" + base[1:]))
    assert (found.verdict, found.difference) == ("within noise", 0.05)


def test_exams_without_a_common_item_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="never asked the same"):
        compare({"a": 1.0}, {"b": 1.0})


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=40))
def test_the_interval_holds_the_mean_and_repeats_itself(changes: list[int]) -> None:
    low, high = bootstrap(changes, samples=200)
    assert -1 <= low <= high <= 1
    assert (low, high) == bootstrap(changes, samples=200)


def test_an_interval_of_one_value_is_that_value() -> None:
    assert bootstrap([1.0] * 9, samples=50) == (1.0, 1.0)
    assert bootstrap([]) == (0.0, 0.0)


@pytest.mark.parametrize("target", [0.0, 0.5, 0.85, 0.9, 0.97])
def test_an_exam_of_the_fewest_items_can_tell_and_one_less_cannot(target: float) -> None:
    n = fewest_items(target)
    assert wilson(n, n)[0] > target
    assert n == 1 or wilson(n - 1, n - 1)[0] <= target


def test_the_demo_exam_of_twenty_cannot_tell_085_for_sure() -> None:
    assert fewest_items(0.85) == 22
