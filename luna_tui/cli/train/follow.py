"""Follow the engine while it trains: the main thread drains events, owns the signals, and feeds the view."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO, TYPE_CHECKING, Protocol

from engine.service.jobs import Job, JobEvent

if TYPE_CHECKING:
    from engine.core.events import Event
    from engine.service.session import TrainOutcome

_TICK_S = 0.1
_SHOW_CURSOR = b"\x1b[?25h\r\n"


class View(Protocol):
    """Shows a run; called by the main thread only."""

    def show(self, event: Event) -> None:
        """Take in one event."""
        ...

    def tick(self) -> None:
        """Draw, if there is anything new; called about ten times a second."""
        ...

    def stopping(self) -> None:
        """Say that the run ends after this step."""
        ...

    def close(self) -> None:
        """Give the terminal back."""
        ...


class StopSignals:
    """Ctrl-C once asks what goes on to stop, a second time ends the process; SIGTERM asks like the first Ctrl-C."""

    def __init__(self, terminal: IO[str]) -> None:
        self.asked = False
        self._stop: Callable[[], None] | None = None
        self._terminal = terminal

    def stops(self, stop: Callable[[], None]) -> None:
        """Let the first signal call `stop`, which returns at once; one that has come already calls it now."""
        self._stop = stop
        if self.asked:
            stop()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Own both signals for as long as the block runs."""
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            # A run is recorded by single durable writes, so ending here leaves nothing half done.
            with contextlib.suppress(OSError, ValueError):
                if self._terminal.isatty():
                    os.write(self._terminal.fileno(), _SHOW_CURSOR)
            os._exit(130)
        self.asked = True
        if self._stop is not None:
            self._stop()


def follow(job: Job, events: SimpleQueue[Event | JobEvent], view: View, signals: StopSignals) -> TrainOutcome:
    """Show every event until the engine is done; returns its outcome."""
    told = False

    def tell() -> None:
        nonlocal told
        if signals.asked and not told:
            told = True
            view.stopping()

    try:
        while True:
            done = job.done  # asked before draining: nothing is put after the job has ended
            for event in _arriving(events, wait=not done):
                tell()
                if not isinstance(event, JobEvent):
                    view.show(event)
            tell()
            view.tick()
            if done:
                return job.result()
    finally:
        view.close()


def _arriving(events: SimpleQueue[Event | JobEvent], *, wait: bool) -> Iterator[Event | JobEvent]:
    """What lies in the queue, after waiting a moment for the first one."""
    with contextlib.suppress(Empty):
        if wait:
            yield events.get(timeout=_TICK_S)
        while True:
            yield events.get_nowait()
