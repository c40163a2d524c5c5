"""The study's table says what every run was trained on, since another processor rounds otherwise."""

from __future__ import annotations

from luna_tui.report.study import made_on

OLD = {"threads": 2}
AMD = {"threads": 2, "device": "AuthenticAMD AVX2", "precision": "fp32"}
INTEL = {"threads": 2, "device": "GenuineIntel AVX512", "precision": "bf16"}


def test_generations_made_alike_are_said_once() -> None:
    assert made_on([AMD, AMD]) == "AuthenticAMD AVX2, fp32, 2 threads"


def test_a_run_that_moved_names_both_machines() -> None:
    assert made_on([AMD, INTEL, INTEL]) == "AuthenticAMD AVX2, fp32, 2 threads; GenuineIntel AVX512, bf16, 2 threads"


def test_manifests_from_before_it_was_recorded_know_only_threads() -> None:
    assert made_on([OLD, OLD]) == "2 threads"
    assert made_on([{"threads": None, "device": None, "precision": None}]) == "not recorded"
