"""Facts about the CPU that can be read without importing torch."""

from __future__ import annotations

import os


def default_threads() -> int:
    """Return how many CPU threads this process may use: its affinity on Linux, elsewhere all CPUs."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def cpu_fact(name: str) -> str:
    """Return the first value of a /proc/cpuinfo field such as `vendor_id` or `flags`; empty where there is none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line.partition(":") for line in file]
    except OSError:
        return ""
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")
