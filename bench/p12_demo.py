"""P12: the whole demo, G0 to G3, evals included, through the command line; one JSON line.

There is no other side to this claim: the target is 9 minutes on 2 cores with bf16, every gate passed. The workspace is
an argument, so that any curriculum can be timed: `python bench/p12_demo.py [WORKSPACE]` (made with --demo when left
out).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_MINUTES = 9.0


def luna(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "luna_tui", *arguments], capture_output=True, text=True, check=False)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        workspace = sys.argv[1] if len(sys.argv) > 1 else str(Path(scratch) / "demo")
        if len(sys.argv) == 1:
            luna("init", workspace, "--demo").check_returncode()
        began = time.monotonic()
        trained = luna("-w", workspace, "train", "--generations", "4", "--json")
        minutes = (time.monotonic() - began) / 60
        rows = json.loads(luna("-w", workspace, "lineage", "--json").stdout)
        scores = ("eval_recall", "eval_generalization", "eval_style_drift", "walltime_min", "verdict")
        result = {
            "claim": "P12",
            "minutes": round(minutes, 2),
            "target_minutes": TARGET_MINUTES,
            "exit_code": trained.returncode,
            "generations": [{key: row[key] for key in ("GEN_ID", *scores)} for row in rows],
            "oldest_exam_kept": _oldest_exam_kept(rows),
        }
        print(json.dumps(result))


def _oldest_exam_kept(rows: list[dict[str, object]]) -> float | None:
    """The last generation's score on G0's exam over the score G0 had when it was new."""
    if len(rows) < 2:
        return None
    first, by_ancestor = rows[0]["eval_generalization"], rows[-1]["by_ancestor"]
    if not isinstance(by_ancestor, dict) or not isinstance(first, float) or "0" not in by_ancestor:
        return None
    return round(by_ancestor["0"]["value"] / first, 3)


if __name__ == "__main__":
    main()
