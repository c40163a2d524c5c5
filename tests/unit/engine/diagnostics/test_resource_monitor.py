"""The machine watch: what it reads from psutil, NVML and control groups, and what it does without them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.diagnostics import resource_monitor
from engine.diagnostics.resource_monitor import GpuSample, ResourceHistory, ResourceMonitor, warnings

GB = 1024**3


class Gone(Exception):
    """What psutil raises for a process that has ended."""


@dataclass
class FakeProcess:
    rss: int
    family: list[FakeProcess] = field(default_factory=list)
    ended: bool = False

    def children(self, recursive: bool) -> list[FakeProcess]:
        assert recursive, "llama.cpp may be a grandchild"
        return [child for child in self.family if not child.ended]

    def is_running(self) -> bool:
        return not self.ended

    def memory_info(self) -> SimpleNamespace:
        if self.ended:
            raise Gone
        return SimpleNamespace(rss=self.rss)


@dataclass
class FakePsutil:
    itself: FakeProcess
    total: int = 24 * GB
    available: int = 20 * GB
    Error = Gone

    def Process(self) -> FakeProcess:
        return self.itself

    def cpu_percent(self, interval: None) -> float:
        return 97.5

    def virtual_memory(self) -> SimpleNamespace:
        return SimpleNamespace(total=self.total, available=self.available)


class NvmlError(Exception):
    """NVML's own."""


@dataclass
class FakeNvml:
    """A machine with two GPUs; asking for what is in `broken` fails."""

    broken: set[str] = field(default_factory=set)
    reasons: int = 0
    begun: int = 0

    def __getattr__(self, question: str) -> Any:
        answers = {
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": lambda handle: f"GPU number {handle}".encode(),
            "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=GB, total=8 * GB),
            "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=87),
            "nvmlDeviceGetTemperature": lambda handle, sensor: 71,
            "nvmlDeviceGetPowerUsage": lambda handle: 120_500,
            "nvmlDeviceGetEnforcedPowerLimit": lambda handle: 150_000,
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle: self.reasons,
        }
        if question in self.broken:
            raise NvmlError(question)
        return answers[question]

    def nvmlInit(self) -> None:
        if "nvmlInit" in self.broken:
            raise NvmlError("no driver")
        self.begun += 1


def watch(
    root: Path, *, psutil: FakePsutil | None = None, nvml: FakeNvml | None = None, system: Path | None = None
) -> ResourceMonitor:
    return ResourceMonitor(
        root,
        psutil=psutil or FakePsutil(FakeProcess(GB)),
        nvml=nvml or FakeNvml({"nvmlInit"}),
        system=system or root / "no-system",
    )


def group(system: Path, cgroup: str, folder: str, **files: object) -> Path:
    """Lay out /proc/self/cgroup and one control group below `system`; a name's `__` is a dot."""
    (system / "proc/self").mkdir(parents=True, exist_ok=True)
    (system / "proc/self/cgroup").write_text(cgroup)
    place = system / "sys/fs/cgroup" / folder
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (place / name.replace("__", ".")).write_text(f"{content}\n")
    return place


# What is read


def test_processor_memory_and_disk(tmp_path: Path) -> None:
    sample = watch(tmp_path).sample()
    assert (sample.cpu_percent, sample.ram_used, sample.ram_total) == (97.5, 4 * GB, 24 * GB)
    assert sample.disk_free is not None
    assert sample.disk_free > 0
    assert sample.load_per_core >= 0
    assert sample.gpus == ()


def test_the_real_machine_can_be_asked(tmp_path: Path) -> None:
    sample = ResourceMonitor(tmp_path).sample()
    assert sample.ram_used is not None
    assert sample.ram_total is not None
    assert sample.process_rss is not None
    assert 0 < sample.ram_used <= sample.ram_total
    assert sample.process_rss > 2**20


def test_children_count_and_the_one_that_takes_a_dead_ones_place_is_found_at_once(tmp_path: Path) -> None:
    child = FakeProcess(2 * GB)
    itself = FakeProcess(GB, [child])
    machine = watch(tmp_path, psutil=FakePsutil(itself))
    assert machine.sample().process_rss == 3 * GB
    child.ended = True
    itself.family.append(FakeProcess(5 * GB))
    assert machine.sample().process_rss == 6 * GB


def test_a_new_child_is_found_within_ten_looks(tmp_path: Path) -> None:
    itself = FakeProcess(GB)
    machine = watch(tmp_path, psutil=FakePsutil(itself))
    machine.sample()
    itself.family.append(FakeProcess(5 * GB))
    assert [machine.sample().process_rss for _ in range(10)][-1] == 6 * GB


def test_gpus_are_asked_and_nvml_is_opened_once(tmp_path: Path) -> None:
    nvml = FakeNvml()
    machine = watch(tmp_path, nvml=nvml)
    for _ in range(3):
        sample = machine.sample()
    assert nvml.begun == 1
    assert sample.gpus[1] == GpuSample("GPU number 1", 87.0, GB, 8 * GB, 71.0, 120.5, 150.0, False)
    assert len(sample.gpus) == 2


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("nvmlDeviceGetUtilizationRates", {"utilisation_percent"}),
        ("nvmlDeviceGetMemoryInfo", {"memory_used", "memory_total"}),
        ("nvmlDeviceGetTemperature", {"temperature_c"}),
        ("nvmlDeviceGetPowerUsage", {"power_w"}),
        ("nvmlDeviceGetEnforcedPowerLimit", {"power_limit_w"}),
        ("nvmlDeviceGetCurrentClocksThrottleReasons", {"throttled"}),
    ],
)
def test_what_a_gpu_does_not_tell_is_unknown_and_the_rest_is_there(
    tmp_path: Path, question: str, unknown: set[str]
) -> None:
    gpu = watch(tmp_path, nvml=FakeNvml({question})).sample().gpus[0]
    assert {name for name in GpuSample.__slots__ if getattr(gpu, name) is None} == unknown


@pytest.mark.parametrize("broken", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"])
def test_without_a_driver_there_are_no_gpus(tmp_path: Path, broken: str) -> None:
    assert watch(tmp_path, nvml=FakeNvml({broken})).sample().gpus == ()


@pytest.mark.parametrize(
    ("reasons", "throttled"), [(0x1, False), (0x4, False), (0x20, True), (0x40, True), (0x8, True)]
)
def test_only_heat_and_lack_of_power_are_throttling_not_idling_or_a_power_cap(
    tmp_path: Path, reasons: int, throttled: bool
) -> None:
    assert watch(tmp_path, nvml=FakeNvml(reasons=reasons)).sample().gpus[0].throttled is throttled


def test_without_psutil_and_nvml_what_is_left_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(resource_monitor.importlib, "import_module", missing)
    sample = ResourceMonitor(tmp_path).sample()
    assert (sample.cpu_percent, sample.ram_used, sample.ram_total, sample.process_rss) == (None, None, None, None)
    assert sample.disk_free is not None
    assert warnings(ResourceHistory().add(replace(sample, disk_free=40 * GB)), None) == ()


def test_a_disk_that_went_away_is_unknown(tmp_path: Path) -> None:
    machine = watch(tmp_path / "gone", system=tmp_path)
    sample = machine.sample()
    assert sample.disk_free is None
    assert not [warning for warning in warnings(ResourceHistory().add(sample), 10**12) if "disk" in warning]


# Containers

V2 = {"memory__max": 8 * GB, "memory__current": 7 * GB, "memory__stat": f"anon 1\ninactive_file {3 * GB}"}
V1 = {
    "memory__limit_in_bytes": 8 * GB,
    "memory__usage_in_bytes": 7 * GB,
    "memory__stat": f"cache 1\ntotal_inactive_file {3 * GB}",
}


@pytest.mark.parametrize(
    ("cgroup", "folder", "files"),
    [
        ("0::/", ".", V2),
        ("0::/luna.slice/a", "luna.slice/a", V2),
        ("0::/luna.slice/a", "luna.slice", V2),
        ("0::/docker/only-seen-from-outside", ".", V2),
        ("5:cpu:/\n4:memory:/job", "memory/job", V1),
        ("4:hugetlb,memory:/docker/only-seen-from-outside", "memory", V1),
    ],
)
def test_the_memory_is_the_containers_and_files_it_read_do_not_count(
    tmp_path: Path, cgroup: str, folder: str, files: dict[str, object]
) -> None:
    group(tmp_path, cgroup, folder, **files)
    sample = watch(tmp_path, system=tmp_path).sample()
    assert (sample.ram_used, sample.ram_total) == (4 * GB, 8 * GB)


@pytest.mark.parametrize("limit", ["max", 64 * GB, 9223372036854771712])
def test_a_container_without_a_limit_has_the_machines_memory(tmp_path: Path, limit: object) -> None:
    group(tmp_path, "0::/", ".", **{**V2, "memory__max": limit})
    sample = watch(tmp_path, system=tmp_path).sample()
    assert (sample.ram_used, sample.ram_total) == (4 * GB, 24 * GB)


def test_a_container_has_no_more_left_than_the_machine(tmp_path: Path) -> None:
    group(tmp_path, "0::/", ".", **V2)
    machine = watch(tmp_path, psutil=FakePsutil(FakeProcess(GB), available=GB), system=tmp_path)
    assert machine.sample().ram_used == 7 * GB


def test_a_container_whose_files_vanish_is_the_machine_again(tmp_path: Path) -> None:
    place = group(tmp_path, "0::/", ".", **V2)
    machine = watch(tmp_path, system=tmp_path)
    os.unlink(place / "memory.current")
    assert machine.sample().ram_total == 24 * GB
