"""Facts of the machine that need no torch."""

from __future__ import annotations

import os


def default_threads() -> int:
    """Return how many CPU threads this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
