"""A study says so when its runs come from different machines: one side may have had the luckier one."""

from __future__ import annotations

from engine.experiments.study.study_file import mixed_machines

AMD = {"device": "AuthenticAMD AVX2", "precision": "fp32"}
INTEL = {"device": "GenuineIntel AVX512", "precision": "fp32"}
BF16 = {"device": "GenuineIntel AVX512", "precision": "bf16"}
OLD = {"device": None, "precision": None}


def arms(*generations: dict[str, str | None]) -> list[dict[str, list[dict[str, str | None]]]]:
    return [{"generations": [generation]} for generation in generations]


def test_one_kind_of_machine_needs_no_words() -> None:
    assert mixed_machines(arms(INTEL, INTEL)) == []


def test_two_kinds_are_named() -> None:
    (words,) = mixed_machines(arms(INTEL, AMD, INTEL))
    assert "(AuthenticAMD AVX2 in fp32 and GenuineIntel AVX512 in fp32)" in words
    assert "part of the difference may be that" in words


def test_another_number_format_is_another_kind() -> None:
    (words,) = mixed_machines(arms(INTEL, BF16))
    assert "GenuineIntel AVX512 in bf16" in words


def test_what_was_not_recorded_is_not_guessed() -> None:
    assert mixed_machines(arms(OLD, INTEL)) == []
    assert mixed_machines(arms(OLD, OLD)) == []
