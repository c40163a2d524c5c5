"""P7: from exec to the lineage on the screen, beside a bare Textual app with a tree; resident memory; one JSON line.

`python bench/p7_first_paint.py [WORKSPACE] [REPEATS] [COLUMNS LINES]`; without a workspace, a fresh demo. Both sides
start in turn on a pty of one size.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import psutil
from pty_console import Terminal, console_env, demo_copy, luna, median

SIGN = "◀ HEAD"  # stands in the line of the lineage that HEAD is at

BARE = """
from textual.app import App
from textual.widgets import Tree
class Bare(App):
    def compose(self):
        tree = Tree("base", id="tree")
        tree.root.expand()
        for n in range(8):
            tree.root.add_leaf(f"READY{n}")
        yield tree
Bare().run()
"""


def first_sight(command: list[str], sign: str, columns: int, lines: int) -> tuple[float, float]:
    """Seconds until `sign` is on the screen, and the resident megabytes then."""
    began = time.monotonic()
    terminal = Terminal(command, columns=columns, lines=lines, env=console_env(TEXTUAL_ANIMATIONS="none"))
    try:
        while sign.encode() not in terminal.raw:
            if not terminal.pump(0.005) or time.monotonic() - began > 60:
                raise SystemExit(f"{sign} never came:\n{terminal.text}")
        seconds = time.monotonic() - began
        return seconds, psutil.Process(terminal.child.pid).memory_info().rss / 1e6
    finally:
        terminal.child.close(force=True)


def main() -> None:
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    columns, lines = (int(sys.argv[3]), int(sys.argv[4])) if len(sys.argv) > 4 else (120, 40)
    with nullcontext(Path(sys.argv[1])) if len(sys.argv) > 1 else demo_copy(None) as workspace:
        measure(workspace, repeats, columns, lines)


def measure(workspace: Path, repeats: int, columns: int, lines: int) -> None:
    ledger = workspace / "models" / "lineage_ledger.csv"
    generations = max(0, len(ledger.read_text().splitlines()) - 1) if ledger.exists() else 0
    ours: list[tuple[float, float]] = []
    bare: list[float] = []
    for _ in range(repeats):
        bare.append(first_sight([sys.executable, "-c", BARE], "READY7", columns, lines)[0])
        ours.append(first_sight(luna(workspace), SIGN, columns, lines))
    seconds = median([s for s, _ in ours])
    print(
        json.dumps(
            {
                "claim": "P7",
                "generations": generations,
                "first_paint_s": round(seconds, 3),
                "bare_app_s": round(median(bare), 3),
                "ratio": round(seconds / median(bare), 2),
                "rss_mb": round(median([m for _, m in ours]), 1),
                "target": {"first_paint_s": 1.0 if generations >= 5000 else 0.4, "ratio": 2.0, "rss_mb": 90},
                "repeats": repeats,
            }
        )
    )


if __name__ == "__main__":
    main()
