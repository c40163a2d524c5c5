"""P13: a fresh clone to a console that is ready, with empty caches, and the longest silence on the way; one JSON line.

`python bench/p13_setup.py [COMMIT] [--against COMMIT]`; without a commit, HEAD. Each is cloned into a folder of its own
and set up with `make setup` and an empty pip cache, the other side first; then `make setup` again. CPU seconds are
of all its processes, so that runs on a busy machine can be compared too. Nothing is repeated: it takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def set_up(commit: str, folder: Path) -> dict[str, object]:
    """Clone `commit` into `folder` and set it up; seconds, CPU seconds, the longest silence, and the last line."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=folder, check=True)
    # Neither this Python's virtual environment nor its caches are for the other one.
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    env |= {"PIP_CACHE_DIR": str(folder.parent / f"{folder.name}-cache")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = heard = time.monotonic()
    silence = 0.0
    last = ""
    child = subprocess.Popen(
        ["make", "setup"], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        # pip's notes on indexes that are not there say nothing about how far it is.
        if not line.startswith("WARNING"):
            silence, heard, last = max(silence, time.monotonic() - heard), time.monotonic(), line.strip()
    if child.wait() != 0:
        raise SystemExit(f"make setup of {commit} failed: {last}")
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(["make", "setup"], cwd=folder, env=env, check=True, capture_output=True)
    return {
        "commit": commit,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "longest_silence": round(max(silence, began - heard), 1),
        "again": round(time.monotonic() - began, 2),
        "said_last": last,
    }


def main() -> None:
    """Set up both sides, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commit", nargs="?", default="HEAD")
    parser.add_argument("--against", help="another commit, set up first")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        other = set_up(chosen.against, Path(folder) / "other") if chosen.against else None
        ours = set_up(chosen.commit, Path(folder) / "ours")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(json.dumps({"bench": "p13", "cores": cores, "ours": ours, "other": other}))


if __name__ == "__main__":
    main()
