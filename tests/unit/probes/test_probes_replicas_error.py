"""How often two ways of training that are equally good are called different: about one time in twenty, by design."""

from __future__ import annotations

import random

import pytest

from probes.statistics.replicas import difference

STUDIES = 200
SPREADS = (0.0, 0.02, 0.05)


def _false_differences(seeds: int, spread: float, items: int, interaction: float) -> float:
    """The share of `STUDIES` simulated studies that tell two equal ways apart.

    Items differ in how easy they are; `spread` is the standard deviation of what a seed adds to every item, and
    `interaction` of what a way adds to an item, which is nothing on average.
    """
    chance = random.Random(f"{seeds} {spread} {items} {interaction}")
    wrong = 0
    for _ in range(STUDIES):
        ease = [chance.betavariate(4, 1) for _ in range(items)]
        ways: list[list[dict[str, float]]] = []
        for _ in range(2):
            own = [share + chance.gauss(0, interaction) for share in ease]
            moved = [chance.gauss(0, spread) for _ in range(seeds)]
            ways.append([{f"i{n}": float(chance.random() < s + by) for n, s in enumerate(own)} for by in moved])
        wrong += difference(*ways).verdict != "within noise"
    return wrong / STUDIES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "items", "interaction"),
    [(3, 20, 0.0), (3, 80, 0.15), (5, 20, 0.15), (5, 80, 0.0), (10, 20, 0.0), (10, 80, 0.15)],
)
def test_equal_ways_are_called_different_one_time_in_twenty(seeds: int, items: int, interaction: float) -> None:
    rates = [_false_differences(seeds, spread, items, interaction) for spread in SPREADS]
    # 200 studies know a rate of 0.05 to within 0.03, 600 to within 0.018.
    assert max(rates) <= 0.085, rates
    assert 0.02 <= sum(rates) / len(rates) <= 0.07, rates


@pytest.mark.slow
def test_ways_that_differ_are_still_told_apart() -> None:
    chance = random.Random(4)
    found = 0
    for _ in range(40):
        first, second = (
            [{f"i{n}": float(chance.random() < share + chance.gauss(0, 0.02)) for n in range(200)} for _ in range(5)]
            for share in (0.75, 0.90)
        )
        found += difference(first, second).verdict == "better"
    assert found >= 38
