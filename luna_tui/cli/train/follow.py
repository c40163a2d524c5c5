"""Follow the engine while it trains: the main thread drains events, owns the signals, and feeds the view."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import FrameType
from typing import IO, TYPE_CHECKING, Protocol

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


class Stoppable(Protocol):
    """Something that can be asked to stop: a session, or what owns several of them."""

    def stop(self) -> None:
        """Stop at the next safe point; called by signal handlers."""
        ...


class StopSignals:
    """Ctrl-C once asks the session to stop, a second time ends the process; SIGTERM asks like the first Ctrl-C."""

    def __init__(self, session: Stoppable, terminal: IO[str]) -> None:
        self.asked = False
        self._session = session
        self._terminal = terminal

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
        self._session.stop()


def follow(future: Future[TrainOutcome], events: SimpleQueue[Event], view: View, signals: StopSignals) -> TrainOutcome:
    """Show every event until the engine is done; returns its outcome."""
    told = False

    def tell() -> None:
        nonlocal told
        if signals.asked and not told:
            told = True
            view.stopping()

    try:
        while True:
            done = future.done()  # asked before draining: nothing is put after the future is done
            for event in _arriving(events, wait=not done):
                tell()
                view.show(event)
            tell()
            view.tick()
            if done:
                return future.result()
    finally:
        view.close()


def _arriving(events: SimpleQueue[Event], *, wait: bool) -> Iterator[Event]:
    """What lies in the queue, after waiting a moment for the first one."""
    with contextlib.suppress(Empty):
        if wait:
            yield events.get(timeout=_TICK_S)
        while True:
            yield events.get_nowait()
