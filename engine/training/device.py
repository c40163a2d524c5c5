"""The compute resources of this machine: threads, device and dtype."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import platform
from dataclasses import dataclass
from typing import Literal

import torch

from engine.config.recipe import Precision
from engine.core.cpu import cpu_fact, default_threads


@dataclass(frozen=True, slots=True)
class Device:
    """Where training runs.

    `dtype` is that of frozen weights and of matrix products; trained parameters are always fp32.
    """

    device: torch.device
    dtype: torch.dtype
    threads: int


def select_device(precision: Precision, threads: int) -> Device:
    """Return the device, dtype and thread count to train with, and make torch use that many threads.

    With `threads` 0 the count is what this process may use. On CUDA, deterministic kernels are requested.
    """
    count = threads or default_threads()
    torch.set_num_threads(count)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        _make_deterministic()
    return Device(device, torch.bfloat16 if resolve_precision(precision) == "bf16" else torch.float32, count)


def resolve_precision(precision: Precision) -> Literal["bf16", "fp32"]:
    """Return the dtype that `precision` stands for: `auto` is bf16 where the device multiplies it in hardware."""
    if precision != "auto":
        return precision
    return "bf16" if (torch.cuda.is_bf16_supported() if torch.cuda.is_available() else _cpu_has_bf16()) else "fp32"


def device_name() -> str:
    """Return the device's name, as exactly as rounding depends on it: GPU and CUDA version, or CPU maker and SIMD."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    maker = cpu_fact("vendor_id") or platform.machine()
    return f"{maker} {torch.backends.cpu.get_cpu_capability()}"


def free_memory(machine: Device) -> None:
    """Free the memory of a finished training once nothing refers to its model: one process trains many generations."""
    gc.collect()  # the trainer, its callbacks and its data loader reference each other
    _trim_heap()
    if machine.device.type == "cuda":
        torch.cuda.empty_cache()


def _trim_heap() -> None:
    """Return what was freed to the system, where the C library keeps it otherwise: glibc, in a heap a thread."""
    with contextlib.suppress(OSError, AttributeError):  # another C library, which has no such call
        ctypes.CDLL(None).malloc_trim(0)


def _make_deterministic() -> None:
    """Request CUDA kernels that sum in a fixed order, as a CPU does anyway; where there is none it only warns."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling every new tensor costs time and would only hide mistakes.
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)  # noqa: B010 - a property the stubs lack


def _cpu_has_bf16() -> bool:
    """Return whether the CPU multiplies bf16 in hardware; without that, bf16 is slower than fp32."""
    return bool({"avx512_bf16", "amx_bf16"} & set(cpu_fact("flags").split()))
