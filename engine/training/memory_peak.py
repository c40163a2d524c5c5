"""The most memory that this process has held since a moment, as the system or the GPU counts it."""

from __future__ import annotations

import sys
from pathlib import Path

_PROCESS = Path("/proc/self")


def begin_peak() -> bool:
    """Forget the peak so far, and return whether that is possible here: on CUDA, else on Linux."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_bytes() -> int | None:
    """Return the bytes held at most since `begin_peak`: what torch reserved on the GPU, else resident memory."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    try:
        lines = (_PROCESS / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
