"""Sample CPU, memory, disk and GPUs during work, and warn before one of them runs short or overheats.

psutil and NVML are used where they are installed; a value that cannot be read is None.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KEPT = 120
_GIB = 1024**3
_LEAST_RAM = _GIB
_LEAST_DISK = 10**9
_HOT_C = 87
# Reasons for a lower clock that mean trouble (nvml.h): hardware slowdown, software and hardware thermal slowdown, power
# brake. A reached power cap (4) is left out: under full load it is normal.
_THROTTLED = 0x08 | 0x20 | 0x40 | 0x80
# Finding child processes reads all of /proc; the children of this process change about once an hour.
_FAMILY_EVERY = 10


@dataclass(frozen=True, slots=True)
class GpuSample:
    """Readings of one GPU in per cent, bytes, degrees Celsius and watts; None where NVML reports nothing.

    `throttled` is whether heat or a lack of power slows it down now.
    """

    name: str
    utilisation_percent: float | None
    memory_used: int | None
    memory_total: int | None
    temperature_c: float | None
    power_w: float | None
    power_limit_w: float | None
    throttled: bool | None = None


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """One sample of the machine: CPU in per cent of all cores since the last sample, sizes in bytes, load per core.

    RAM is the container's where that has less than the machine; `process_rss` is the resident memory of this process
    and its children, among them llama.cpp's; `load_per_core` is the one-minute mean of runnable processes, divided by
    the number of cores. A value is None where psutil, the disk or the system does not report it.
    """

    cpu_percent: float | None
    ram_used: int | None
    ram_total: int | None
    process_rss: int | None
    disk_free: int | None
    load_per_core: float | None
    gpus: tuple[GpuSample, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceHistory:
    """The newest 120 samples, oldest first."""

    samples: tuple[ResourceSample, ...] = ()

    def add(self, sample: ResourceSample) -> ResourceHistory:
        """Return the history with one more sample; beyond 120 the oldest is dropped."""
        return ResourceHistory((*self.samples, sample)[-_KEPT:])

    @property
    def last(self) -> ResourceSample | None:
        """The newest sample, None while there is none."""
        return self.samples[-1] if self.samples else None


class ResourceMonitor:
    """Takes samples of the machine and of the disk under `root`.

    NVML is opened once; without it there are no GPUs. `psutil` and `nvml` stand in for the modules, `system` for the
    root of the file system with /proc and /sys.
    """

    def __init__(self, root: Path, *, psutil: Any = None, nvml: Any = None, system: Path = Path("/")) -> None:
        self._root = root
        self._psutil = psutil if psutil is not None else _module("psutil")
        self._nvml = nvml if nvml is not None else _module("pynvml")
        self._gpus = self._open_gpus()
        self._groups = tuple(_limited_groups(system))
        self._family: tuple[Any, ...] = ()
        self._looks = 0
        if self._psutil is not None:
            self._psutil.cpu_percent(None)  # begins the interval that the first sample ends

    def sample(self) -> ResourceSample:
        """Take one sample, in 1 to 2 ms; never raises for what cannot be read."""
        total, available = self._memory()
        return ResourceSample(
            cpu_percent=float(self._psutil.cpu_percent(None)) if self._psutil is not None else None,
            ram_used=total - available if total is not None and available is not None else None,
            ram_total=total,
            process_rss=self._resident() if self._psutil is not None else None,
            disk_free=_disk_free(self._root),
            load_per_core=_load_per_core(),
            gpus=tuple(self._gpu(handle) for handle in self._gpus),
        )

    def _memory(self) -> tuple[int | None, int | None]:
        """Return (total, available) bytes of memory: the machine's or those of the tightest container around it."""
        if self._psutil is None:
            return None, None
        memory = self._psutil.virtual_memory()
        machine, total, available = int(memory.total), int(memory.total), int(memory.available)
        for group in self._groups:
            with contextlib.suppress(OSError, ValueError):
                limit, used = int(group.limit.read_text()), group.used()
                if limit < machine:
                    total, available = min(total, limit), min(available, limit - used)
        return total, min(total, max(0, available))

    def _resident(self) -> int:
        # A child that has ended may have been replaced by a new one, so the family is listed again.
        if self._looks % _FAMILY_EVERY == 0 or not all(process.is_running() for process in self._family):
            with contextlib.suppress(self._psutil.Error, OSError):
                itself = self._psutil.Process()
                self._family = (itself, *itself.children(recursive=True))
        self._looks += 1
        resident = 0
        for process in self._family:
            with contextlib.suppress(self._psutil.Error, OSError):
                resident += int(process.memory_info().rss)
        return resident

    def _open_gpus(self) -> tuple[Any, ...]:
        if self._nvml is None:
            return ()
        # No driver, no GPU, no permission: NVML raises a different error for each, and some bindings raise an OSError.
        with contextlib.suppress(Exception):
            self._nvml.nvmlInit()
            count = int(self._nvml.nvmlDeviceGetCount())
            return tuple(self._nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count))
        return ()

    def _gpu(self, handle: Any) -> GpuSample:
        def query(function: str, *arguments: Any) -> Any:
            # A GPU may lack this sensor or be lost, or the binding may be too old to have the call.
            with contextlib.suppress(Exception):
                return getattr(self._nvml, function)(handle, *arguments)
            return None

        name, memory = query("nvmlDeviceGetName"), query("nvmlDeviceGetMemoryInfo")
        rates = query("nvmlDeviceGetUtilizationRates")
        temperature = query("nvmlDeviceGetTemperature", 0)
        power, limit = query("nvmlDeviceGetPowerUsage"), query("nvmlDeviceGetEnforcedPowerLimit")
        reasons = query("nvmlDeviceGetCurrentClocksThrottleReasons")
        return GpuSample(
            name=name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "GPU"),
            utilisation_percent=None if rates is None else float(rates.gpu),
            memory_used=None if memory is None else int(memory.used),
            memory_total=None if memory is None else int(memory.total),
            temperature_c=None if temperature is None else float(temperature),
            power_w=None if power is None else power / 1000,
            power_limit_w=None if limit is None else limit / 1000,
            throttled=None if reasons is None else bool(int(reasons) & _THROTTLED),
        )


def ram_is_low(sample: ResourceSample) -> bool:
    """Return whether less than a tenth of the memory, or less than 1 GB of it, is left."""
    if sample.ram_used is None or sample.ram_total is None:
        return False
    left = sample.ram_total - sample.ram_used
    return left < _LEAST_RAM or left < sample.ram_total / 10


def disk_is_low(sample: ResourceSample, need_disk: int | None = None) -> bool:
    """Return whether less disk is left than `need_disk` bytes, or less than 1 GB."""
    return sample.disk_free is not None and sample.disk_free < max(need_disk or 0, _LEAST_DISK)


def gpu_is_full(gpu: GpuSample) -> bool:
    """Return whether more than 95 % of the GPU's memory is taken."""
    if gpu.memory_used is None or not gpu.memory_total:
        return False
    return gpu.memory_used > 0.95 * gpu.memory_total


def gpu_is_hot(gpu: GpuSample) -> bool:
    """Return whether the GPU is at 87 °C or more, or is already throttled by heat or a lack of power."""
    return bool(gpu.throttled) or (gpu.temperature_c is not None and gpu.temperature_c >= _HOT_C)


def warnings(history: ResourceHistory, need_disk: int | None) -> tuple[str, ...]:
    """Return one sentence for each resource that runs short or overheats, with what to do about it.

    `need_disk` is what the next generation takes, in bytes; None if unknown.
    """
    sample = history.last
    return tuple(_warnings(sample, need_disk)) if sample is not None else ()


def _warnings(sample: ResourceSample, need_disk: int | None) -> Iterator[str]:
    # ASCII only, since warnings are shown on every terminal and written to logs.
    if disk_is_low(sample, need_disk):
        need = f", the next generation needs {need_disk / 1e9:.1f} GB" if need_disk else ""
        yield f"only {(sample.disk_free or 0) / 1e9:.1f} GB of disk left{need}: luna-tui gc shows what can go"
    if ram_is_low(sample):
        left = (sample.ram_total or 0) - (sample.ram_used or 0)
        yield f"only {left / _GIB:.1f} GB of memory left: close other programs, or lower batch_size"
    for number, gpu in enumerate(sample.gpus):
        if gpu_is_full(gpu):
            share = int(100 * (gpu.memory_used or 0) / (gpu.memory_total or 1))
            yield f"GPU {number} memory is {share} % full: lower batch_size, or close what else uses this GPU"
        if gpu.throttled:
            yield f"GPU {number} is slowed down by heat or too little power: look at its cooling and its supply"
        elif gpu_is_hot(gpu):
            yield f"GPU {number} is at {gpu.temperature_c:.0f} C and will soon slow down: look at its cooling"


@dataclass(frozen=True, slots=True)
class _Group:
    """A control group around this process: the files with its memory limit, its usage, and the parts of that usage."""

    limit: Path
    usage: Path
    statistics: Path
    reclaimable: str

    def used(self) -> int:
        """Return the bytes that cannot be reclaimed.

        Cached files count as used until memory is short, and are freed then.
        """
        found = dict(line.split() for line in self.statistics.read_text().splitlines() if len(line.split()) == 2)
        return max(0, int(self.usage.read_text()) - int(found.get(self.reclaimable, 0)))


def _limited_groups(system: Path) -> Iterator[_Group]:
    """Yield the control groups with a memory limit that hold this process, innermost first (cgroup v2 and v1)."""
    try:
        lines = (system / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            mount, limit, usage, reclaimable = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, usage = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            reclaimable = "total_inactive_file"
        else:
            continue
        # Inside a container the mount may begin at the container's own group: then only the last of these exists.
        inner = Path(path.strip("/"))
        for group in (inner, *inner.parents):
            folder = system / mount / group
            with contextlib.suppress(OSError, ValueError):
                int((folder / limit).read_text())  # "max" where there is none
                yield _Group(folder / limit, folder / usage, folder / "memory.stat", reclaimable)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:  # a broken installation is no reason not to train
        return None


def _load_per_core() -> float | None:
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (OSError, AttributeError):  # not available at all times, and missing on some systems
        return None


def _disk_free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None
