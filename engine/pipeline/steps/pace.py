"""Progress of a step made of several phases: each reports how far it is, and a stop takes effect within it."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.core.cancellation import Control
from engine.core.events import Emitter, ProgressReporter

Step = Callable[[int, int], None]
"""`step(done, total)`, called for every unit of work; raises Interrupted after a stop request."""

_SILENT_S = 0.5


class StepTimer:
    """Creates a `Step` for each phase; a phase that ends within `silent_s` seconds reports nothing."""

    def __init__(self, emit: Emitter, control: Control, silent_s: float = _SILENT_S) -> None:
        self._emit = emit
        self._control = control
        self._silent_s = silent_s

    def phase(self, label: str) -> Step:
        """Begin a phase and return its `Step`; the time left is estimated from now on."""
        self._control.check()
        reporter, began, told = ProgressReporter(self._emit, label), time.monotonic(), False

        def step(done: int, total: int) -> None:
            nonlocal told
            self._control.check()
            if not told and done < total:
                told = time.monotonic() - began >= self._silent_s
            if told:
                reporter(done, total)

        return step
