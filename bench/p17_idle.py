"""P17: CPU time of an open console with nothing going on, beside a bare Textual app with a tree; one JSON line.

`python bench/p17_idle.py [WORKSPACE] [SECONDS]`; without a workspace, a fresh demo. Both stand on a pty of 120x40 at
the same time. The console first gets some seconds to read its workspace and to find that nobody does anything.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import psutil
from p7_first_paint import BARE, SIGN
from pty_console import Terminal, console_env, demo_copy, luna

SETTLE_S = 20.0


def cpu_seconds(terminal: Terminal) -> float:
    """CPU time of the process on this pty and of its children."""
    itself = psutil.Process(terminal.child.pid)
    times = [process.cpu_times() for process in (itself, *itself.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def until_shown(terminal: Terminal, sign: str) -> None:
    """Wait until a sign has come."""
    deadline = time.monotonic() + 60
    while sign.encode() not in terminal.raw:
        if not terminal.pump(0.02) or time.monotonic() > deadline:
            raise SystemExit(f"{sign} never came:\n{terminal.text}")


def pumped(terminals: list[Terminal], seconds: float) -> None:
    """Let the time pass, reading what is drawn."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for terminal in terminals:
            terminal.pump(0.2)


def main() -> None:
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    with nullcontext(Path(sys.argv[1])) if len(sys.argv) > 1 else demo_copy(None) as workspace:
        env = console_env(TEXTUAL_ANIMATIONS="none")
        console = Terminal(luna(workspace), columns=120, lines=40, env=env)
        bare = Terminal([sys.executable, "-c", BARE], columns=120, lines=40, env=env)
        try:
            until_shown(console, SIGN)
            until_shown(bare, "READY7")
            pumped([console, bare], SETTLE_S)
            drawn, before, began = len(console.raw), [cpu_seconds(console), cpu_seconds(bare)], time.monotonic()
            pumped([console, bare], seconds)
            passed = time.monotonic() - began
            ours, theirs = (
                (now - then) / passed
                for now, then in zip([cpu_seconds(console), cpu_seconds(bare)], before, strict=True)
            )
            drawn = len(console.raw) - drawn
        finally:
            for terminal in (console, bare):
                terminal.child.close(force=True)
    print(
        json.dumps(
            {
                "claim": "P17",
                "console_cpu": round(ours, 5),
                "bare_app_cpu": round(theirs, 5),
                "bytes_drawn": drawn,
                "seconds": round(passed, 1),
                "target": {"console_cpu": 0.003},
            }
        )
    )


if __name__ == "__main__":
    main()
