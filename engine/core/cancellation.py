"""Cooperative cancellation: a stop flag that long-running work polls."""

from __future__ import annotations

import os
import time
from pathlib import Path

from engine.core.errors import Interrupted

_LOOK_EVERY_S = 0.2


def stop_request(pid: int) -> bytes:
    """Return the content of the stop file that asks process `pid` to stop."""
    return f"{pid}\n".encode()  # the newline distinguishes pid 12 from a partly written 123


class Control:
    """A stop flag shared by the requesting and the working thread.

    With a `stop_file`, another process can set it too.
    """

    def __init__(self, stop_file: Path | None = None) -> None:
        # A plain attribute, not a lock: a signal handler that interrupts the lock's holder would deadlock.
        self._stop = False
        self._stop_file = stop_file
        self._look_at = 0.0

    def stop(self) -> None:
        """Request that the work stop at its next safe point; repeated calls have no effect."""
        self._stop = True

    @property
    def stopping(self) -> bool:
        """Return whether a stop was requested; the stop file is read at most five times a second."""
        if not self._stop and self._stop_file is not None and self._is_requested_in(self._stop_file):
            self._stop = True
        return self._stop

    def check(self) -> None:
        """Raise Interrupted if a stop was requested."""
        if self.stopping:
            raise Interrupted("stopped on request")

    def _is_requested_in(self, path: Path) -> bool:
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY_S
        try:
            return path.read_bytes() == stop_request(os.getpid())
        except OSError:  # in nearly every call the file does not exist
            return False
