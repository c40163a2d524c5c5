"""How a person's wish to stop reaches the engine: a flag that long work looks at."""

from __future__ import annotations

import os
import time
from pathlib import Path

from engine.core.errors import Interrupted

_LOOK_EVERY_S = 0.2


def stop_request(pid: int) -> bytes:
    """Return what a stop file says when process `pid` is asked to stop."""
    return f"{pid}\n".encode()  # the line's end tells 12 from the beginning of 123


class Control:
    """A stop flag shared by the thread that wants and the thread that works; with a `stop_file`, another process can
    set it too.
    """

    def __init__(self, stop_file: Path | None = None) -> None:
        # A plain flag: a signal handler may set it at any moment, and a lock could then wait for itself.
        self._stop = False
        self._stop_file = stop_file
        self._look_at = 0.0

    def stop(self) -> None:
        """Ask the work to stop at its next safe point; calling it again changes nothing."""
        self._stop = True

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for; the file is looked at five times a second at most."""
        if not self._stop and self._stop_file is not None and self._is_asked_in(self._stop_file):
            self._stop = True
        return self._stop

    def check(self) -> None:
        """Raise Interrupted if a stop was asked for."""
        if self.stopping:
            raise Interrupted("stopped on request")

    def _is_asked_in(self, path: Path) -> bool:
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY_S
        try:
            return path.read_bytes() == stop_request(os.getpid())
        except OSError:  # nearly always: there is no such file
            return False
