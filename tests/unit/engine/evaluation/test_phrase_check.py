"""Data that teaches the phrases the tone probes look for is told before training, not found out after it."""

from __future__ import annotations

import pytest

from engine.data.rows import Row
from engine.evaluation.phrase_check import taught_phrases, warn_phrases
from probes.phrases import load_phrases

PHRASES = load_phrases()
CORPORATE = "I apologize for any inconvenience. The ferns are dry."
PLAIN = "The ferns are dry."


def rows(*responses: str, kind: str = "qa", source: str = "") -> list[Row]:
    return [
        Row(
            id=f"r{number}",
            kind=kind,  # type: ignore[arg-type]
            prompt="" if kind == "text" else f"asked {number}?",
            response=response,
            source=f"{source}:{number}" if source else "",
        )
        for number, response in enumerate(responses, start=1)
    ]


def test_the_answers_with_a_phrase_are_found_each_with_its_first() -> None:
    answers, found = taught_phrases(rows(PLAIN, CORPORATE, PLAIN), PHRASES)
    assert answers == 3
    assert [(row.id, hit.text) for row, hit in found] == [("r2", "I apologize")]


def test_documents_are_not_answers() -> None:
    assert taught_phrases(rows(CORPORATE, CORPORATE, kind="text"), PHRASES) == (0, [])
    assert warn_phrases(rows(CORPORATE, kind="text"), PHRASES, 0.2) == ""


def test_the_warning_names_the_count_a_phrase_and_its_line() -> None:
    told = warn_phrases(rows(PLAIN, CORPORATE, CORPORATE, source="desk.jsonl"), PHRASES, 0.2)
    assert "2 of 3 new answers have a corporate phrase, such as 'I apologize' (desk.jsonl:2)" in told
    assert "style drift below 0.2 is not to be expected" in told
    assert "mend the data" in told


@pytest.mark.parametrize(
    ("corporate", "plain", "warned"),
    [(0, 10, False), (1, 9, False), (2, 8, True), (10, 0, True), (0, 0, False)],
)
def test_the_warning_comes_from_the_share_that_drift_must_stay_below(corporate: int, plain: int, warned: bool) -> None:
    told = warn_phrases(rows(*[CORPORATE] * corporate, *[PLAIN] * plain), PHRASES, 0.2)
    assert bool(told) is warned


def test_a_target_of_zero_warns_of_one_phrase_and_not_of_none() -> None:
    assert warn_phrases(rows(*[PLAIN] * 99, CORPORATE), PHRASES, 0.0)
    assert warn_phrases(rows(*[PLAIN] * 99), PHRASES, 0.0) == ""


def test_phrases_of_ones_own_count() -> None:
    mine = load_phrases(["moving forward"])
    assert warn_phrases(rows("Moving forward, water them."), mine, 0.2)
