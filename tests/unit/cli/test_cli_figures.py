"""Numbers are written so that nobody is misled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luna_tui.common import figures
from luna_tui.common.score_lines import ancestor_exams, score_lines


@pytest.mark.parametrize(
    ("value", "target", "text"),
    [
        (0.97, 0.9, "0.97"),
        (0.9, 0.9, "0.90"),
        (0.8997, 0.9, "0.8997"),
        (0.904, 0.9, "0.904"),
        (0.9995, None, "0.9995"),
        (1.0, 0.9, "1.00"),
        (0.004, 0.2, "0.004"),
        (0.0, 0.2, "0.00"),
        (None, 0.9, "–"),
        (float("nan"), None, "–"),
    ],
)
def test_scores_do_not_round_to_their_target(value: float | None, target: float | None, text: str) -> None:
    assert figures.score(value, target) == text


@given(st.integers(0, 2000), st.integers(1, 2000))
def test_a_score_never_claims_the_target_or_perfection(right: int, n: int) -> None:
    value = min(right, n) / n
    for target in (0.9, 0.85, 0.2):
        shown = float(figures.score(value, target))
        assert (shown > target) == (value > target)
        assert (shown == 1.0) == (value == 1.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (72, "1m 12s"), (7500, "2h 05m"), (None, "–"), (float("inf"), "–")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (98e6, "98 MB"), (1.2e9, "1.2 GB")]
)
def test_sizes(count: float, text: str) -> None:
    assert figures.size(count) == text


def test_ages() -> None:
    now = datetime(2026, 1, 3, tzinfo=UTC)
    assert figures.age("2026-01-02T23:48:00Z", now) == "12 min"
    assert figures.age("2026-01-02T21:00:00Z", now) == "3 h"
    assert figures.age("2025-12-01T00:00:00Z", now) == "33 d"
    assert figures.age(None, now) == ""


@pytest.mark.parametrize(("value", "text"), [(2e-4, "2e-4"), (1.4e-3, "1.4e-3"), (0.0, "0")])
def test_learning_rates(value: float, text: str) -> None:
    assert figures.learning_rate(value) == text


def test_done_is_100_per_cent_only_at_the_end() -> None:
    assert figures.percent(999, 1000) == "99%"
    assert figures.percent(1000, 1000) == "100%"


def test_targets_are_strict_as_the_method_says() -> None:
    def passed(name: str, value: float, target: float) -> bool | None:
        return score_lines({name: {"value": value, "n": 10, "low": 0, "high": 1}}, {name: target})[0].passed

    assert passed("recall", 0.90, 0.90) is False
    assert passed("recall", 0.91, 0.90) is True
    assert passed("drift", 0.20, 0.20) is False
    assert passed("drift", 0.19, 0.20) is True
    assert passed("answered", 0.90, 0.90) is True
    assert passed("retention", 0.10, 0.90) is None


@pytest.mark.parametrize(
    ("name", "right", "n", "target", "text"),
    [
        ("generalization", 17, 20, 0.85, "1 of 20"),  # the target itself is not above it
        ("recall", 899, 1000, 0.9, "2 of 1000"),
        ("generalization", 11, 20, 0.85, "0.30"),
        ("drift", 10, 50, 0.2, "1 of 50"),
        ("answered", 44, 49, 0.9, "1 of 49"),
        ("recall", 20, 20, 1.0, "0.0000"),  # nothing is above it
    ],
)
def test_a_missed_target_says_by_how_much(name: str, right: int, n: int, target: float, text: str) -> None:
    (line,) = score_lines({name: {"value": right / n, "n": n, "low": 0, "high": 1}}, {name: target})
    assert line.passed is False
    assert line.shortfall == text


def test_ancestors_are_read_in_both_forms() -> None:
    score = {"value": 0.8, "n": 10}
    as_mapping = ancestor_exams({"10": score, "2": score}, {2: 0.9})
    as_list = ancestor_exams([{"gen": 10, **score}, {"gen": 2, **score}], {2: 0.9})
    assert as_mapping == as_list
    assert [(exam.gen, exam.was) for exam in as_list] == [(2, 0.9), (10, None)]
