"""A terminal that is lost: what is drawn into it is thrown away, and the screen does not begin anew on it."""

from __future__ import annotations

import contextlib
import os
import pty
from collections.abc import Iterator

import pytest

from luna_tui.console.driver import LossyLine


@pytest.fixture
def line() -> Iterator[tuple[LossyLine, int]]:
    """A line on a pty, and the other end of it."""
    ours, theirs = pty.openpty()
    file = os.fdopen(theirs, "w", encoding="utf-8", buffering=1)
    yield LossyLine(file), ours
    with contextlib.suppress(OSError):  # what a lost line has not taken
        file.close()


def test_it_is_the_terminal_while_there_is_one(line: tuple[LossyLine, int]) -> None:
    lossy, other = line
    assert lossy.write("drawn ─\n") == 8
    lossy.flush()
    assert os.read(other, 100).decode() == "drawn ─\r\n"
    assert lossy.isatty()
    assert lossy.encoding == "utf-8"
    assert os.get_terminal_size(lossy.fileno())
    os.close(other)


def test_what_is_drawn_into_a_lost_line_is_thrown_away(line: tuple[LossyLine, int]) -> None:
    lossy, other = line
    os.close(other)
    for _ in range(100):
        assert lossy.write("drawn\n") == 6
        lossy.flush()
