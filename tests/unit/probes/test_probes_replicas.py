"""Spreads over seeds, and the difference of two ways of training with chance inside its interval."""

from __future__ import annotations

import random

import pytest

from probes.statistics.replicas import difference, spread


def test_the_spread_has_bessels_correction() -> None:
    found = spread([0.8, 0.9, 1.0])
    assert found.mean == pytest.approx(0.9)
    assert found.sd == pytest.approx(0.1)
    assert (found.low, found.high, found.n) == (0.8, 1.0, 3)


def test_a_single_run_has_no_spread_and_none_at_all_is_an_error() -> None:
    assert spread([0.7]).sd == 0.0
    with pytest.raises(ValueError, match="no repeat"):
        spread([])


def _runs(share: float, seeds: int, items: int, chance: random.Random) -> list[dict[str, float]]:
    return [{f"i{n}": float(chance.random() < share) for n in range(items)} for _ in range(seeds)]


def test_a_clear_difference_is_told() -> None:
    chance = random.Random(1)
    found = difference(_runs(0.5, 3, 200, chance), _runs(0.9, 3, 200, chance))
    assert found.verdict == "better"
    assert 0.3 < found.value < 0.5
    assert found.low < found.value < found.high
    assert (found.n, found.seeds) == (200, (3, 3))


def test_the_other_way_round_it_is_worse() -> None:
    chance = random.Random(1)
    better = _runs(0.9, 3, 200, chance)
    assert difference(better, _runs(0.5, 3, 200, chance)).verdict == "worse"


def test_two_alike_are_within_noise() -> None:
    chance = random.Random(2)
    assert difference(_runs(0.8, 3, 60, chance), _runs(0.8, 3, 60, chance)).verdict == "within noise"


def test_seeds_that_scatter_widen_the_interval() -> None:
    """The same means: the one whose seeds disagree knows less."""
    items = [f"i{n}" for n in range(100)]
    first = [dict.fromkeys(items, 0.0)] * 3
    steady = [{item: float(n % 2) for n, item in enumerate(items)}] * 3
    scattered = [dict.fromkeys(items, value) for value in (0.0, 0.5, 1.0)]
    narrow, wide = difference(first, steady), difference(first, scattered)
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > narrow.high - narrow.low


def test_only_items_that_every_run_was_asked_count() -> None:
    found = difference([{"a": 1.0, "b": 0.0}], [{"a": 1.0, "c": 1.0}])
    assert (found.n, found.value) == (1, 0.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    chance = random.Random(3)
    runs = _runs(0.7, 2, 40, chance), _runs(0.8, 2, 40, chance)
    assert difference(*runs) == difference(*runs)


def test_a_single_run_says_nothing_about_chance() -> None:
    items = [f"i{n}" for n in range(50)]
    found = difference([dict.fromkeys(items, 0.0)], [dict.fromkeys(items, 1.0)] * 3)
    assert (found.low, found.high, found.verdict) == (-1.0, 1.0, "within noise")


def test_seeds_that_all_agree_leave_it_to_the_items() -> None:
    """One item of twenty is not enough, however many seeds repeat it; twelve of twenty are."""
    items = [f"i{n}" for n in range(20)]
    first = [dict.fromkeys(items, 0.0)] * 3
    one, many = ([{item: float(n < right) for n, item in enumerate(items)}] * 3 for right in (1, 12))
    assert difference(first, one).verdict == "within noise"
    assert difference(first, many).verdict == "better"


def test_the_interval_of_three_seeds_is_students() -> None:
    """By hand: means 0.5, 0.6, 0.7 against 0.2, 0.3, 0.4: standard error √(0.01/3 · 2), four degrees of freedom."""
    items = [f"i{n}" for n in range(10)]
    first, second = ([dict.fromkeys(items, value) for value in values] for values in ((0.2, 0.3, 0.4), (0.5, 0.6, 0.7)))
    found = difference(first, second)
    assert found.low == pytest.approx(0.3 - 2.776445 * 0.0816497, abs=1e-6)
    assert found.high == pytest.approx(0.3 + 2.776445 * 0.0816497, abs=1e-6)


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(ValueError, match="same items"):
        difference([{"a": 1.0}], [{"b": 1.0}])
    with pytest.raises(ValueError, match="at least one run"):
        difference([], [{"b": 1.0}])
