"""P14: `make test` in a fresh clone that is set up; one JSON line.

`python bench/p14_tests.py [COMMIT]`; without a commit, HEAD. Its `make setup` takes what pip has cached and is not
timed. Nothing is repeated: it takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET_MINUTES = 12.0


def main() -> None:
    """Clone, set up, test, and print."""
    commit = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=clone, check=True)
        subprocess.run(["make", "setup"], cwd=clone, env=env, check=True, stdout=sys.stderr)
        began = time.monotonic()
        tests = subprocess.run(["make", "test"], cwd=clone, env=env, capture_output=True, text=True, check=False)
        minutes = (time.monotonic() - began) / 60
    counts = re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", tests.stdout)
    if not counts:
        raise SystemExit(f"no test ran:\n{tests.stdout[-2000:]}{tests.stderr[-2000:]}")
    print(
        json.dumps(
            {
                "claim": "P14",
                "commit": commit,
                "minutes": round(minutes, 2),
                "exit_code": tests.returncode,
                "tests": {what: int(count) for count, what in counts},
                "target_minutes": TARGET_MINUTES,
            }
        )
    )


if __name__ == "__main__":
    main()
