"""P3: what an open, drawing console costs training: the same generation with and without it, in turn; one JSON line.

`python bench/p3_console_cost.py [WORKSPACE] [REPEATS] [STEPS]`. Works on copies. Compared are the medians of the
seconds between training steps, as the journals have them, first steps left out. On a machine that others use, wall time
says little; so it also tells which share of the process's CPU time went to threads that do not train: the screen's own
(the main thread) and its helpers, while the training threads are the busiest, as many as the run has.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import psutil
from pty_console import console_env, demo_copy, luna, median, opened, train_from_form


def step_seconds(workspace: Path, steps: int) -> float:
    """The median time of the newest run's steps."""
    journal = max(workspace.glob("runs/*/events.jsonl"), key=lambda path: path.stat().st_mtime)
    times = [e["mono"] for e in map(json.loads, journal.open()) if e["type"] == "train_step"][3:steps]
    return median([later - earlier for earlier, later in pairwise(times)])


def cpu_by_thread(pid: int) -> list[float]:
    """CPU seconds of each thread that is alive, the main thread's first."""
    threads = sorted(psutil.Process(pid).threads(), key=lambda thread: thread.id != pid)
    return [thread.user_time + thread.system_time for thread in threads]


def console_share(before: list[float], after: list[float], trainers: int) -> float:
    """The share of CPU time between two samples that the `trainers` busiest threads beside the main one did not use."""
    main, others = after[0] - before[0], sum(after[1:]) - sum(before[1:])
    training = sum(sorted(after[1:], reverse=True)[:trainers]) - sum(sorted(before[1:], reverse=True)[:trainers])
    return (main + others - training) / (main + others)


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


def with_console(source: str | None, steps: int) -> tuple[float, float]:
    """Seconds a step, and the console's share of the CPU time."""
    with demo_copy(source) as workspace, opened(workspace) as terminal:
        train_from_form(terminal)

        def trained() -> bool:
            journal = max(workspace.glob("runs/*/events.jsonl"), key=lambda path: path.stat().st_mtime)
            return journal.read_bytes().count(b'"train_step"') >= steps

        before = cpu_by_thread(terminal.child.pid)
        terminal.wait(trained, f"step {steps}", timeout=600)
        after = cpu_by_thread(terminal.child.pid)
        plan = json.loads(max(workspace.glob("runs/*/plan.json"), key=lambda path: path.stat().st_mtime).read_text())
        return step_seconds(workspace, steps), console_share(before, after, plan["threads"])


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else None
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    alone: list[float] = []
    shown: list[float] = []
    shares: list[float] = []
    for _ in range(repeats):
        alone.append(headless(source, steps))
        seconds, share = with_console(source, steps)
        shown.append(seconds)
        shares.append(share)
    ratio = median(shown) / median(alone)
    result = {
        "claim": "P3",
        "headless_step_s": [round(s, 4) for s in alone],
        "console_step_s": [round(s, 4) for s in shown],
        "ratio": round(ratio, 4),
        "console_cpu_share": round(median(shares), 4),
        "target": {"ratio": 1.02, "console_cpu_share": 0.02},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
