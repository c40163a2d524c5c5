"""Follows the engine during training: the main thread drains events, owns the signal handlers, and updates the view."""

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
        """Process one event of the run."""
        ...

    def tick(self) -> None:
        """Redraw if there is anything new; called about ten times a second."""
        ...

    def stopping(self) -> None:
        """Show that the run ends after the current step."""
        ...

    def close(self) -> None:
        """Release the terminal after the last event."""
        ...


class StopSignals:
    """Signal handlers: the first Ctrl-C or SIGTERM requests a stop, a Ctrl-C after that ends the process with 130."""

    def __init__(self, terminal: IO[str]) -> None:
        self.asked = False
        self._stop: Callable[[], None] | None = None
        self._terminal = terminal

    def stops(self, stop: Callable[[], None]) -> None:
        """Set `stop` as the callback of the first signal; it must not block. If a signal has already arrived, call it
        now.
        """
        self._stop = stop
        if self.asked:
            stop()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Handle both signals while the block runs, and restore the previous handlers afterwards."""
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            # A run is recorded by single durable writes, so exiting here leaves nothing half done.
            with contextlib.suppress(OSError, ValueError):
                if self._terminal.isatty():
                    os.write(self._terminal.fileno(), _SHOW_CURSOR)
            os._exit(130)
        self.asked = True
        if self._stop is not None:
            self._stop()


def follow(job: Job, events: SimpleQueue[Event | JobEvent], view: View, signals: StopSignals) -> TrainOutcome:
    """Show every event until the engine is done, and return its outcome."""
    announced = False

    def announce_stop() -> None:
        nonlocal announced
        if signals.asked and not announced:
            announced = True
            view.stopping()

    try:
        while True:
            done = job.done  # read before draining: no event is queued after the job has ended
            for event in _arriving(events, wait=not done):
                announce_stop()
                if not isinstance(event, JobEvent):
                    view.show(event)
            announce_stop()
            view.tick()
            if done:
                return job.result()
    finally:
        view.close()


def _arriving(events: SimpleQueue[Event | JobEvent], *, wait: bool) -> Iterator[Event | JobEvent]:
    """Yield the queued events, after waiting a moment for the first one."""
    with contextlib.suppress(Empty):
        if wait:
            yield events.get(timeout=_TICK_S)
        while True:
            yield events.get_nowait()
