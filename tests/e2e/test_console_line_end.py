"""A line is lost without a hangup: the console's terminal is not its controlling one, and its other end closes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from terminal import console_env, luna

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@dataclass
class Line:
    """The other end of a console's terminal, which nobody has made its controlling one."""

    ours: int
    process: subprocess.Popen[bytes]
    raw: bytearray = field(default_factory=bytearray)

    def see(self, pattern: str, timeout: float = 180.0) -> None:
        deadline = time.monotonic() + timeout
        while not re.search(pattern.encode(), self.raw):
            assert time.monotonic() < deadline, f"never came: {pattern}; {bytes(self.raw[-2000:])!r}"
            if select.select([self.ours], [], [], 0.1)[0]:
                self.raw += os.read(self.ours, 65536)

    def press(self, keys: bytes) -> None:
        self.raw.clear()
        os.write(self.ours, keys)

    def close(self) -> None:
        os.close(self.ours)


@contextmanager
def console_on_a_line(workspace: Path) -> Iterator[Line]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    # A session of its own that never opens a terminal by name: nothing will send it a SIGHUP.
    process = subprocess.Popen(
        luna(workspace), stdin=theirs, stdout=theirs, stderr=theirs, env=console_env(), start_new_session=True
    )
    os.close(theirs)
    try:
        yield Line(ours, process)
    finally:
        process.kill()
        process.wait(60)


def test_an_idle_console_ends_with_its_line(slow_workspace: Path) -> None:
    with console_on_a_line(slow_workspace) as line:
        line.see("nothing evolved yet|trains")
        line.close()
        assert line.process.wait(60) == 0


def test_a_generation_goes_on_without_the_line(slow_workspace: Path) -> None:
    toml = slow_workspace / "luna.toml"
    toml.write_text(toml.read_text().replace("steps = 60000", "steps = 300"))
    with console_on_a_line(slow_workspace) as line:
        line.see("nothing evolved yet|trains")
        line.press(b"t")
        line.see("(?i)generations")
        line.press(b"\r")
        line.see("/300")
        line.close()
        assert line.process.wait(180) == 0
    assert len((slow_workspace / "models" / "lineage_ledger.csv").read_text().splitlines()) == 2
