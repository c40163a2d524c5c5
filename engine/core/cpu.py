"""Facts of the machine that need no torch."""

from __future__ import annotations

import os


def default_threads() -> int:
    """Return how many CPU threads this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def cpu_fact(name: str) -> str:
    """Return a line of /proc/cpuinfo by its name, such as `vendor_id` or `flags`; empty where there is none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [line.partition(":") for line in file]
    except OSError:
        return ""
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")
