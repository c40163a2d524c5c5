"""luna-tui whose training stops to wait at one of its steps, so that what a test does in the middle of a training
happens there on every machine, however few its steps are.
"""

from __future__ import annotations

import time
from pathlib import Path

PATIENCE = 300.0  # seconds; longer than any test that could still open the gate


def hold(step: int, gate: Path) -> None:
    """Make every training of this process wait behind this step until the file `gate` is there."""
    from engine.core.events import Event, TrainStep
    from engine.core.journal import Journal

    write = Journal.__call__

    def waiting(journal: Journal, event: Event) -> None:
        write(journal, event)
        until = time.monotonic() + PATIENCE
        while isinstance(event, TrainStep) and event.step == step and not gate.exists():
            if time.monotonic() > until:
                raise TimeoutError(f"nobody opened {gate}")
            time.sleep(0.02)

    Journal.__call__ = waiting


def holding(step: int, gate: Path) -> str:
    """The line of code that does so in a process of its own."""
    return f"import pathlib, held_training; held_training.hold({step}, pathlib.Path({str(gate)!r}))\n"


__all__ = ["hold", "holding"]
