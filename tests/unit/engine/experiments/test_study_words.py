"""The verdict of a study in words: it says what the numbers say, also when they say the opposite of the hope."""

from __future__ import annotations

import pytest

from engine.experiments.study.analysis import conclude
from engine.experiments.study.evaluate_arms import Answers
from engine.experiments.study.study_file import unlike_arms
from probes.statistics.intervals import Score

ITEMS = 100


def answers(right: int, drift: int = 0) -> Answers:
    items = {f"item{number}": float(number < right) for number in range(ITEMS)}
    return Answers("model", "0" * 64, {0: items}, Score.of(drift, 10), Score.of(10, 10), None)


def told(micro: list[int], one_shot: list[int], base: int) -> tuple[str, str]:
    found = conclude(
        {"micro": [answers(n) for n in micro], "one-shot": [answers(n) for n in one_shot]}, answers(base, drift=3)
    )
    return found["verdict"], " ".join(found["words"])


@pytest.mark.parametrize(
    ("micro", "one_shot", "verdict", "words"),
    [
        ([95, 96, 94], [60, 61, 59], "supported", "The claim held here"),
        ([60, 61, 59], [95, 96, 94], "refuted", "The claim was NOT supported"),
        ([80, 81, 79], [80, 79, 82], "undecided", "by no more than chance explains"),
    ],
)
def test_the_verdict_follows_the_numbers(micro: list[int], one_shot: list[int], verdict: str, words: str) -> None:
    found, text = told(micro, one_shot, base=10)
    assert found == verdict
    assert words in text
    assert f"{sum(micro) / 300:.3f} against {sum(one_shot) / 300:.3f} of {ITEMS} exam items (3 seeds each" in text


def test_training_is_said_to_matter_more_only_where_it_does() -> None:
    assert "moved the score more than the way of training" in told([95, 96, 94], [90, 91, 89], base=10)[1]


@pytest.mark.parametrize("base", [90, 97])
def test_a_base_that_knew_as_much_is_not_praised_as_training(base: int) -> None:
    text = told([95, 96, 94], [60, 61, 59], base)[1]
    assert f"The base knew {base / 100:.3f} of the same items" in text
    assert "moved the score more" not in text


def test_what_another_seed_moves_is_told() -> None:
    assert "about 0.020 (standard deviation)" in told([80, 82, 78], [80, 80, 80], base=10)[1]


def test_style_drift_of_all_three_is_told() -> None:
    assert "Style drift: 0.00 against 0.00, the base 0.30." in told([80, 82, 78], [80, 80, 80], base=10)[1]


def test_fewer_than_five_seeds_are_warned_of() -> None:
    assert "Only 3 seeds each" in told([80, 81, 79], [80, 79, 82], base=10)[1]
    assert "seeds each:" not in told([80, 81, 79, 80, 80], [80, 79, 82, 80, 80], base=10)[1]


def arm(kind: str, seed: int, *, own: bool = False, trained: int = 700, read: int = 1_000) -> dict[str, object]:
    return {"kind": kind, "seed": seed, "own_lineage": own, "trained_tokens": trained, "read_tokens": read}


def test_the_lineage_that_passed_a_gate_is_named_as_one() -> None:
    replicas = [arm("micro", 1), arm("one-shot", 0)]
    words = " ".join(unlike_arms([arm("micro", 0, own=True), *replicas]))
    assert "The micro-generations of seed 0 are the lineage that was studied" in words
    assert "passed no gate" in words
    assert "gate" not in " ".join(unlike_arms(replicas))


def test_tokens_that_one_shot_training_spends_on_prompts_are_told() -> None:
    words = " ".join(unlike_arms([arm("micro", 1), arm("one-shot", 0, trained=1_000)]))
    assert "one-shot training had a loss on 100% of what it read" in words
    assert "micro-generations on 70%" in words
    assert unlike_arms([arm("micro", 1), arm("one-shot", 0)]) == []
