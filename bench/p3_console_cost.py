"""P3: what an open, drawing console costs training: the same generation with and without it, in turn; one JSON line.

`python bench/p3_console_cost.py [WORKSPACE] [REPEATS] [STEPS]`. Works on copies. Compared are the medians of the
seconds between training steps, as the journals have them, first steps left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from pty_console import console_env, demo_copy, luna, median, opened, train_from_form


def step_seconds(workspace: Path, steps: int) -> float:
    """The median time of the newest run's steps."""
    journal = max(workspace.glob("runs/*/events.jsonl"), key=lambda path: path.stat().st_mtime)
    times = [e["mono"] for e in map(json.loads, journal.open()) if e["type"] == "train_step"][3:steps]
    return median([later - earlier for earlier, later in pairwise(times)])


def headless(source: str | None, steps: int) -> float:
    with demo_copy(source) as workspace:
        command = [*luna(workspace, "train", "--json")]
        trainer = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=console_env(), text=True
        )
        assert trainer.stdout is not None
        for line in trainer.stdout:
            event = json.loads(line)
            if event["type"] == "train_step" and event["step"] >= steps:
                break
        trainer.kill()
        trainer.wait()
        return step_seconds(workspace, steps)


def with_console(source: str | None, steps: int) -> float:
    with demo_copy(source) as workspace, opened(workspace) as terminal:
        train_from_form(terminal)

        def trained() -> bool:
            journal = max(workspace.glob("runs/*/events.jsonl"), key=lambda path: path.stat().st_mtime)
            return journal.read_bytes().count(b'"train_step"') >= steps

        terminal.wait(trained, f"step {steps}", timeout=600)
        return step_seconds(workspace, steps)


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else None
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    alone: list[float] = []
    shown: list[float] = []
    for _ in range(repeats):
        alone.append(headless(source, steps))
        shown.append(with_console(source, steps))
    ratio = median(shown) / median(alone)
    result = {
        "claim": "P3",
        "headless_step_s": [round(s, 4) for s in alone],
        "console_step_s": [round(s, 4) for s in shown],
        "ratio": round(ratio, 4),
        "target": {"ratio": 1.02},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
