"""P8: key press to changed screen while SmolLM2 trains in the same process, 120x40; one JSON line.

`python bench/p8_keys.py [WORKSPACE] [PRESSES]`. Works on a copy of a workspace with a generation and with rows to train
on; without one, of the demo that `make demo` has evolved, with `inbox add` for the rows. Each press moves the cursor of
the lineage; the time is from writing the key to the arrival of the bytes that move it.
"""

from __future__ import annotations

import json
import random
import sys
import time

from pty_console import Terminal, demo_copy, opened, quantile, train_from_form

PATIENCE = 5  # presses without any effect


def cursor_row(terminal: Terminal) -> int | None:
    """The line of the lineage that has the cursor's background."""
    backgrounds = [terminal.screen.buffer[row][6].bg for row in range(3, 20)]
    common = max(set(backgrounds), key=backgrounds.count)
    return next((row for row, color in enumerate(backgrounds) if color != common), None)


def press(terminal: Terminal, key: str) -> float | None:
    """Milliseconds until the cursor has moved; None when it did not within two seconds."""
    before = cursor_row(terminal)
    began = time.monotonic()
    terminal.press(key)
    while time.monotonic() - began < 2:
        terminal.pump(0.002)
        if cursor_row(terminal) != before:
            return (terminal.arrived - began) * 1000
    return None


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else "demo"
    presses = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    chance = random.Random(0)
    with demo_copy(source) as workspace, opened(workspace) as terminal:
        train_from_form(terminal)
        terminal.press("1", "home")
        terminal.see(r"step [5-9]|step \d\d")
        times: list[float] = []
        missed = 0
        for turn in range(presses):
            took = press(terminal, "down" if turn % 2 == 0 else "up")
            if took is None:
                missed += 1
                if missed == turn + 1 == PATIENCE:
                    raise SystemExit("the cursor does not move: this needs a workspace with a generation in it")
            else:
                times.append(took)
            until = time.monotonic() + chance.uniform(0.02, 0.15)  # people do not type in step with the screen's timer
            while time.monotonic() < until:
                terminal.pump(0.01)
        training = "step" in terminal.lines[0]
        print(
            json.dumps(
                {
                    "claim": "P8",
                    "p50_ms": round(quantile(times, 0.5), 1),
                    "p99_ms": round(quantile(times, 0.99), 1),
                    "max_ms": round(max(times), 1),
                    "presses": presses,
                    "missed": missed,
                    "still_training": training,
                    "target": {"p50_ms": 30, "p99_ms": 100},
                }
            )
        )


if __name__ == "__main__":
    main()
