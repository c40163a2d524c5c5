"""P2, second half: training beside that of an earlier commit, on the box as it is and beside a busy neighbour.

    python bench/p2_earlier.py [CURRICULUM] [--commit 6e62aca | --checkout DIRECTORY] [--steps 10] [--repeats 3]

Both sides train the same rows as the same ids with P1's own recipe, each in a process of its own that imports its own
checkout; they take turns, and the first step is not counted. The neighbour is one process that keeps one CPU busy.
`cpu_per_token_ms` is CPU time spent for a token, start of the process included: it says more than wall time on a box
that others use. One JSON line on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from p1_training import make_job, side_environment

ROOT = Path(__file__).resolve().parents[1]
BURN = "import time\nend = time.monotonic() + 1800\nwhile time.monotonic() < end: pass"


def main() -> None:
    """Run both sides `--repeats` times in turn, idle and busy, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("curriculum", nargs="?", type=Path, default=ROOT / "examples" / "aios" / "curriculum")
    parser.add_argument("--commit", default="6e62aca")
    parser.add_argument("--checkout", type=Path)
    parser.add_argument("--base", default="smollm2-135m")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        earlier = options.checkout or extracted(options.commit, Path(scratch) / "earlier")
        job = Path(scratch) / "job.json"
        job.write_text(json.dumps(make_job(options, Path(scratch))))
        found = {"idle": turns(earlier, options, job, busy=False), "busy": turns(earlier, options, job, busy=True)}
    print(
        json.dumps(
            {
                "claim": "P2 beside an earlier commit",
                "earlier": str(options.checkout or options.commit),
                **{
                    f"ratio_{name}": round(
                        median(run["tokens_per_s"] for run in sides["ours"])
                        / median(run["tokens_per_s"] for run in sides["earlier"]),
                        3,
                    )
                    for name, sides in found.items()
                },
                "to_reach": {"ratio_idle": 1.5, "ratio_busy": 1.0},
                "runs": found,
                "steps": options.steps,
                "threads": len(os.sched_getaffinity(0)),
            }
        )
    )


def turns(earlier: Path, options: argparse.Namespace, job: Path, *, busy: bool) -> dict[str, list[dict[str, Any]]]:
    """The runs of both sides, which take turns."""
    runs: dict[str, list[dict[str, Any]]] = {"earlier": [], "ours": []}
    with neighbour() if busy else nullcontext():
        for _ in range(options.repeats):
            for side, checkout in (("earlier", earlier), ("ours", ROOT)):
                runs[side].append(run(checkout, options.curriculum, job))
                print(f"{'busy' if busy else 'idle'} {side}: {runs[side][-1]}", file=sys.stderr)
    return runs


def run(checkout: Path, curriculum: Path, job: Path) -> dict[str, Any]:
    """Train once with the code of a checkout."""
    script = str(checkout / "bench" / "p1_training.py")
    environment = {**side_environment("luna"), "PYTHONPATH": str(checkout)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, script, str(curriculum), "--side", "luna", "--job", str(job)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{checkout} failed:\n{done.stderr[-2000:]}")
    found = json.loads(lines[-1].removeprefix("RESULT "))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    tokens = sum(map(len, json.loads(job.read_text())["rows"]))
    return {
        "tokens_per_s": round(found["tokens_per_s"], 1),
        "loss": round(found["loss"], 5),
        "cpu_per_token_ms": round(1000 * cpu / tokens, 2),
    }


def extracted(commit: str, target: Path) -> Path:
    """Write a commit's files to `target`."""
    target.mkdir()
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)
    return target


@contextmanager
def neighbour() -> Iterator[None]:
    """One process that keeps one CPU busy."""
    burning = subprocess.Popen([sys.executable, "-c", BURN])
    try:
        yield
    finally:
        burning.kill()
        burning.wait()


if __name__ == "__main__":
    main()
