"""A terminal in memory: a program on a real pty, its bytes kept, and the screen a person would see of them."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).resolve().parents[1]


class Terminal:
    """`press` keys, `see` text: every wait is for something on the screen."""

    def __init__(
        self, command: Sequence[str], *, columns: int = 120, lines: int = 40, env: Mapping[str, str] | None = None
    ) -> None:
        self.raw = bytearray()
        self.arrived = 0.0  # when the newest bytes came, before this terminal took its time to draw them
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.child = pexpect.spawn(
            command[0], list(command[1:]), dimensions=(lines, columns), env=dict(env or console_env()), timeout=30
        )
        self.child.delaybeforesend = None  # pexpect waits 50 ms before each key unless it is told not to

    def pump(self, seconds: float = 0.05) -> bool:
        """Take in what the program has written; False when it has ended."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.arrived = time.monotonic()
        self.raw += data
        self._stream.feed(_without_kitty(data))
        return True

    @property
    def lines(self) -> list[str]:
        """The screen's lines."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The screen in one string."""
        return "\n".join(self.lines)

    def wait(self, condition: Callable[[], object], what: str, timeout: float = 60.0) -> None:
        """Pump until a condition holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.pump() and not condition():
                raise AssertionError(f"the program ended before {what}; its screen:\n{self.text}")
            if time.monotonic() > deadline:
                raise AssertionError(f"never came: {what}; the screen:\n{self.text}")

    def see(self, pattern: str, timeout: float = 60.0) -> re.Match[str]:
        """Wait until the screen shows a pattern; returns the match."""
        self.wait(lambda: re.search(pattern, self.text), pattern, timeout)
        found = re.search(pattern, self.text)
        assert found is not None
        return found

    def see_gone(self, pattern: str, timeout: float = 60.0) -> None:
        """Wait until the screen no longer shows a pattern."""
        self.wait(lambda: not re.search(pattern, self.text), f"the end of {pattern}", timeout)

    def press(self, *keys: str) -> None:
        """Send keys as a terminal would."""
        for key in keys:
            self.child.send(_KEYS.get(key, key))

    def ended(self, timeout: float = 60.0) -> int | None:
        """Wait for the end of the program; returns its exit status."""
        deadline = time.monotonic() + timeout
        while self.pump(0.1):
            if time.monotonic() > deadline:
                raise AssertionError(f"the program did not end; its screen:\n{self.text}")
        self.child.close()
        return self.child.exitstatus

    def hang_up(self) -> None:
        """Close the line, as a lost SSH connection does."""
        os.close(self.child.child_fd)
        self.child.child_fd = -1
        self.child.closed = True


_KEYS = {
    "enter": "\r",
    # As kitty's protocol spells it: a lone ESC is told from the beginning of a sequence only by the pause after it,
    # and on a busy machine no pause is long enough.
    "escape": "\x1b[27u",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "tab": "\t",
    "space": " ",
    "ctrl+c": "\x03",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pagedown": "\x1b[6~",
}
# pyte takes the kitty keyboard protocol and synchronized output for other things; they draw nothing.
_UNDRAWN = re.compile(rb"\x1b\[[<>=?][0-9;]*u|\x1b\[\?2026[hl]|\x1b\[\?2048[\$hlp]+")


def _without_kitty(data: bytes) -> bytes:
    return _UNDRAWN.sub(b"", data)


def console_env(**more: str) -> dict[str, str]:
    """A known environment with a capable terminal."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LUNA_CACHE") if name in os.environ}
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    base = {"PYTHONPATH": paths, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    return {**kept, **base, "OMP_WAIT_POLICY": "PASSIVE", **more}


def luna(workspace: Path, *arguments: str) -> list[str]:
    """The real command line on a workspace."""
    return [sys.executable, "-m", "luna_tui", "-w", str(workspace), *arguments]


@contextmanager
def console(
    workspace: Path, *, command: Sequence[str] | None = None, columns: int = 120, lines: int = 40, **env: str
) -> Iterator[Terminal]:
    """The real console on a pty, or `command` in its place; killed at the end if it is still there."""
    terminal = Terminal(command or luna(workspace), columns=columns, lines=lines, env=console_env(**env))
    try:
        yield terminal
    finally:
        if not terminal.child.closed:
            terminal.child.close(force=True)
