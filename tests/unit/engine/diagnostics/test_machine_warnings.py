"""The history of the machine, and what is said of it before it hurts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.diagnostics.resource_monitor import GpuSample, ResourceHistory, ResourceSample, warnings

GB = 1024**3
GPU = GpuSample("NVIDIA H200", 50.0, 4 * GB, 8 * GB, 60.0, 100.0, 150.0, False)
FINE = ResourceSample(50.0, 4 * GB, 24 * GB, GB, 40 * GB, 0.5, (GPU,))


def said(sample: ResourceSample, need_disk: int | None = None) -> tuple[str, ...]:
    return warnings(ResourceHistory().add(FINE).add(sample), need_disk)


def test_the_history_is_bounded_and_keeps_the_newest() -> None:
    history = ResourceHistory()
    assert history.last is None
    for number in range(300):
        history = history.add(replace(FINE, cpu_percent=float(number)))
    assert [sample.cpu_percent for sample in history.samples] == [float(number) for number in range(180, 300)]
    assert history.last is not None
    assert history.last.cpu_percent == 299


def test_a_machine_in_order_is_not_warned_of() -> None:
    assert said(FINE) == ()
    assert warnings(ResourceHistory(), 10**12) == ()
    assert said(replace(FINE, gpus=(GpuSample("GPU", None, None, None, None, None, None),))) == ()


@pytest.mark.parametrize(
    ("change", "need", "words"),
    [
        ({"ram_used": 22 * GB}, None, ("2.0 GB of memory left", "batch_size")),
        ({"ram_used": int(3.5 * GB), "ram_total": 4 * GB}, None, ("0.5 GB of memory left", "close other programs")),
        ({"disk_free": 900_000_000}, None, ("0.9 GB of disk left", "luna-tui gc")),
        ({"disk_free": 2_000_000_000}, 3_000_000_000, ("2.0 GB of disk left", "needs 3.0 GB", "luna-tui gc")),
        ({"gpus": (replace(GPU, memory_used=int(7.8 * GB)),)}, None, ("GPU 0", "97 % full", "batch_size")),
        ({"gpus": (GPU, replace(GPU, temperature_c=87.0))}, None, ("GPU 1", "87 C", "cooling")),
        ({"gpus": (replace(GPU, throttled=True),)}, None, ("GPU 0", "slowed down", "cooling")),
    ],
)
def test_what_is_about_to_hurt_is_said_with_what_to_do(
    change: dict[str, Any], need: int | None, words: tuple[str, ...]
) -> None:
    (warning,) = said(replace(FINE, **change), need)
    assert all(word in warning for word in words), warning
    assert warning.isascii()
    assert len(warning) <= 100


@pytest.mark.parametrize(
    ("change", "need"),
    [
        ({"ram_used": 21 * GB}, None),
        ({"disk_free": 3_000_000_000}, 3_000_000_000),
        ({"gpus": (replace(GPU, memory_used=int(7.5 * GB)),)}, None),
        ({"gpus": (replace(GPU, temperature_c=86.0),)}, None),
    ],
)
def test_just_before_a_bound_nothing_is_said(change: dict[str, Any], need: int | None) -> None:
    assert said(replace(FINE, **change), need) == ()


def test_a_throttled_gpu_that_is_hot_is_told_of_once() -> None:
    assert len(said(replace(FINE, gpus=(replace(GPU, throttled=True, temperature_c=90.0),)))) == 1


def test_a_warning_ends_when_its_reason_does() -> None:
    history = ResourceHistory().add(replace(FINE, disk_free=1)).add(FINE)
    assert warnings(history, None) == ()
