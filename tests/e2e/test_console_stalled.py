"""A line that takes nothing any more: the screen waits for it, training does not."""

from __future__ import annotations

import array
import fcntl
import re
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.conftest import hold_at
from terminal import Terminal, console

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def unread(terminal: Terminal) -> int:
    """Bytes that wait in the pty for somebody to read them."""
    count = array.array("i", [0])
    fcntl.ioctl(terminal.child.child_fd, termios.FIONREAD, count)
    return count[0]


def until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait without reading a byte of the terminal."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)


def counted(workspace: Path) -> Callable[[], int]:
    """How many steps the run has taken, told by its journal."""
    journal = next(workspace.glob("runs/*/events.jsonl"))
    return lambda: journal.read_bytes().count(b'"train_step"')


def fill(terminal: Terminal, steps: Callable[[], int]) -> None:
    """Wait until the line takes nothing any more, because nobody reads it."""
    levels: list[int] = []

    def full() -> bool:
        begun = steps()
        until(lambda: steps() > begun + 20, "steps while nobody reads")
        levels.append(unread(terminal))
        return levels[-3:].count(levels[-1]) == 3  # nothing more went into the line during forty steps

    until(full, "a line that is full")


def ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_training_goes_on_while_the_line_is_stalled(slow_workspace: Path) -> None:
    with console(slow_workspace) as terminal:
        terminal.see(r"t trains|nothing evolved yet")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(r"step \d+/60000", timeout=180)
        steps = counted(slow_workspace)
        fill(terminal, steps)
        stalled_at = steps()
        until(lambda: steps() > stalled_at + 300, "three hundred steps behind a stalled line")

        terminal.wait(
            lambda: any(int(step) > stalled_at for step in re.findall(r"step +(\d+)/60000", terminal.text)),
            "a screen that has caught up",
        )
        terminal.press("q")
        terminal.see(r"Leave while a run")
        terminal.press("s")
        assert terminal.ended(timeout=120) == 0


def test_a_stalled_line_that_is_lost_ends_the_screen_and_not_the_generation(
    slow_workspace: Path, tmp_path: Path
) -> None:
    held = hold_at(slow_workspace, 800, tmp_path / "gate")  # more steps than it takes to fill a line
    with console(held.root, command=held.luna()) as terminal:
        terminal.see(r"t trains|nothing evolved yet")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(held.in_its_middle, timeout=180)
        steps, pid = counted(held.root), terminal.child.pid
        fill(terminal, steps)
        terminal.hang_up()
        held.go_on()
        until(lambda: ended(pid), "the end of the process", 300)
    row = (held.root / "models" / "lineage_ledger.csv").read_text().splitlines()
    assert len(row) == 2
    assert steps() == held.steps
