"""A terminal that may disappear at any moment: output is then discarded, and nothing waits for it."""

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
    """A stream to a terminal that discards its output once the terminal is gone.

    Textual draws from a thread of its own through a short queue; an error ends that thread, and the next frames would
    then fill the queue and block the screen for ever, in the middle of leaving.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the underlying terminal stream."""
        return self._terminal.encoding

    def write(self, text: str, /) -> int:
        """Write to the terminal, or discard the text when the terminal is gone."""
        with contextlib.suppress(OSError, ValueError):
            self._terminal.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the terminal, or do nothing when it is gone."""
        with contextlib.suppress(OSError, ValueError):
            self._terminal.flush()

    def fileno(self) -> int:
        """Return the terminal's file descriptor."""
        return self._terminal.fileno()

    def isatty(self) -> bool:
        """Return whether the stream is still a terminal."""
        return self._terminal.isatty()


class LineDriver(LinuxDriver):
    """Textual's Linux driver, extended to notice that its terminal is gone and not to start again on it.

    A terminal that is not the controlling one disappears without SIGHUP, and Textual would then read end-of-file in a
    loop, at the cost of a whole CPU. The kernel sends SIGCONT after the SIGHUP of a lost terminal; Textual takes every
    SIGCONT for a return from Ctrl-Z.
    """

    def start_application_mode(self) -> None:
        """Start drawing and reading keys, and start the thread that waits for a hangup."""
        super().start_application_mode()
        loop = asyncio.get_running_loop()
        watch = threading.Thread(target=self._wait_for_its_end, args=(loop,), name="luna-line", daemon=True)
        watch.start()

    def _wait_for_its_end(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sleep until the kernel reports a hangup, then leave as on SIGHUP."""
        line = select.poll()
        line.register(self.fileno, 0)  # a hangup is reported without being requested
        line.poll()
        self.exit_event.set()  # no more input will arrive
        with contextlib.suppress(RuntimeError):  # the event loop is closed: the app has already left
            loop.call_soon_threadsafe(self._app.exit, "hangup")

    def _sigcont_application(self, *received: Any) -> None:
        try:
            termios.tcgetattr(self.fileno)
        except termios.error:
            return
        super()._sigcont_application(*received)
