"""A terminal that may be lost at any moment: what is drawn into it then is thrown away, and nothing waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import select
import termios
import threading
from typing import Any, TextIO

from textual.drivers.linux_driver import LinuxDriver


class LossyLine(io.TextIOBase):
    """Writes to a terminal for as long as there is one.

    Textual draws from a thread of its own through a short queue; an error in that thread ends it, and then the next
    frames would fill the queue and hold up the screen for ever, in the middle of leaving.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's encoding."""
        return self._terminal.encoding

    def write(self, text: str, /) -> int:
        """Write, or do nothing when the line is lost."""
        with contextlib.suppress(OSError, ValueError):
            self._terminal.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing when the line is lost."""
        with contextlib.suppress(OSError, ValueError):
            self._terminal.flush()

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._terminal.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._terminal.isatty()


class LineDriver(LinuxDriver):
    """Textual's driver, which notices that its terminal is gone, and does not begin anew on it.

    A terminal that is not the controlling one goes without SIGHUP, and Textual would read its end for ever, at the cost
    of a whole CPU. The kernel sends SIGCONT after the SIGHUP of a lost line; Textual takes every SIGCONT for the way
    back from Ctrl-Z.
    """

    def start_application_mode(self) -> None:
        """Begin to draw and to read keys, and to wait for the end of the line."""
        super().start_application_mode()
        loop = asyncio.get_running_loop()
        watch = threading.Thread(target=self._wait_for_its_end, args=(loop,), name="luna-line", daemon=True)
        watch.start()

    def _wait_for_its_end(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sleep until the kernel says that the line is hung up, then leave as on SIGHUP."""
        line = select.poll()
        line.register(self.fileno, 0)  # a hangup is told unasked
        line.poll()
        self.exit_event.set()  # nothing more will come to be read
        with contextlib.suppress(RuntimeError):  # the loop is over: the app has left by itself
            loop.call_soon_threadsafe(self._app.exit, "hangup")

    def _sigcont_application(self, *received: Any) -> None:
        try:
            termios.tcgetattr(self.fileno)
        except termios.error:
            return
        super()._sigcont_application(*received)
