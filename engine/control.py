"""How a person's wish to stop reaches the engine: a flag that long work looks at."""

from __future__ import annotations

from engine.errors import Interrupted


class Control:
    """A stop flag shared by the thread that wants and the thread that works."""

    def __init__(self) -> None:
        # A plain flag: a signal handler may set it at any moment, and a lock could then wait for itself.
        self._stop = False

    def stop(self) -> None:
        """Ask the work to stop at its next safe point; calling it again changes nothing."""
        self._stop = True

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop

    def check(self) -> None:
        """Raise Interrupted if a stop was asked for."""
        if self.stopping:
            raise Interrupted("stopped on request")
