"""What the console's measurements share: the real console on a pty, its bytes with the time each piece came."""

from __future__ import annotations

import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from terminal import Terminal, console_env, luna  # noqa: E402 - the tests' terminal, found by the path above

__all__ = ["Terminal", "console_env", "demo_copy", "luna", "median", "opened", "quantile", "train_from_form"]


@contextmanager
def opened(workspace: Path, *, columns: int = 120, lines: int = 40, **env: str) -> Iterator[Terminal]:
    """The console on a workspace; ended at the end."""
    terminal = Terminal(luna(workspace), columns=columns, lines=lines, env=console_env(**env))
    try:
        yield terminal
    finally:
        if not terminal.child.closed:
            # At once: a hangup would let the generation go on, and whoever measures next would have it beside.
            terminal.child.kill(signal.SIGKILL)
            terminal.child.wait()
            terminal.child.close()


@contextmanager
def demo_copy(source: str | None) -> Iterator[Path]:
    """A copy of the workspace given, or a fresh demo without generations; removed at the end."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "demo"
        if source is not None:
            shutil.copytree(source, target)
        else:
            init = [sys.executable, "-m", "luna_tui", "init", str(target), "--demo"]
            subprocess.run(init, check=True, stdout=subprocess.DEVNULL)  # one JSON line is all a bench prints
        yield target


def train_from_form(terminal: Terminal) -> None:
    """Begin a generation with the form's defaults, and wait until it trains."""
    terminal.see(r"HEAD")
    terminal.press("t")
    terminal.see(r"(?i)generations")
    terminal.press("enter")
    terminal.see(r"step [3-9]/", timeout=240)


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)
