"""Every claim on one box: its facts first, then each script's JSON lines, as they come.

    python bench/run_all.py [WORKSPACE] [--only P1,P8]

WORKSPACE is a lineage that is measured in copies, four generations of it at best; without one the demo is evolved
first, which is P12. Nothing else should run meanwhile: everything that is timed is. What fails is told on stderr, the
rest goes on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"


@dataclass(frozen=True, slots=True)
class Lineages:
    """The workspaces to measure: an evolved one, the same with rows to train on, and one of 10 000 generations."""

    evolved: Path
    fed: Path
    large: Path


def claims(lineages: Lineages) -> list[tuple[str, list[str]]]:
    """Each claim's script with its arguments."""
    evolved, fed, large = str(lineages.evolved), str(lineages.fed), str(lineages.large)
    return [
        ("P1", ["p1_training.py"]),
        ("P2", ["p2_machine.py"]),
        ("P2", ["p2_earlier.py"]),
        ("P3", ["p3_console_cost.py"]),
        ("P4", ["p4_export.py", evolved]),
        ("P5", ["p5_exams.py", evolved]),
        ("P6", ["p6_chat.py", str(lineages.evolved / "models" / "luna_age_0.gguf")]),
        ("P7", ["p7_first_paint.py", evolved]),
        ("P7", ["p7_first_paint.py", large]),
        ("P8", ["p8_keys.py", fed]),
        ("P9", ["p9_bytes.py"]),
        ("P10", ["p10_chart_redraw.py"]),
        ("P11", ["p11_disk.py", evolved]),
        ("P13", ["p13_setup.py"]),
        ("P14", ["p14_tests.py"]),
        ("P15", ["p15_prepare.py"]),
        ("P17", ["p17_idle.py", evolved]),
    ]


def box() -> dict[str, object]:
    """What a figure hangs on: processor, cores, memory, dtype that trains, versions, commit, and what else runs."""
    from engine.core.cpu import cpu_fact
    from engine.training.device import select_device

    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "processor": cpu_fact("model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "trains_in": str(select_device("auto", 0).dtype).removeprefix("torch."),
        "load": os.getloadavg()[0],
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("torch", "trl", "llama-cpp-python", "textual")},
    }


def measured(script: str, *arguments: str) -> bool:
    """Run a script, whose JSON lines go to stdout as they come; whether it ended well."""
    print(f"== {script}", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, str(BENCH / script), *arguments], check=False).returncode == 0


def with_rows(evolved: Path, target: Path) -> Path:
    """A copy of a lineage with a hundred rows in its inbox: enough for a generation that trains for a while."""
    shutil.copytree(evolved, target)
    rows = target.with_suffix(".jsonl")
    lines = ({"prompt": f"Is pump {n} running?", "response": f"Pump {n} runs. Look at gauge {n}."} for n in range(100))
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-m", "luna_tui", "-w", str(target), "inbox", "add", str(rows)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return target


def main() -> int:
    """Run what was asked for, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, nargs="?")
    parser.add_argument("--only", default="", help="claims by number, such as P1,P8")
    chosen = parser.parse_args()
    only = set(filter(None, chosen.only.upper().split(",")))
    print(json.dumps({"box": box()}), flush=True)
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        evolved = chosen.workspace
        if evolved is None:
            evolved = Path(scratch) / "demo"
            subprocess.run([sys.executable, "-m", "luna_tui", "init", str(evolved), "--demo"], check=True, cwd=ROOT)
            if not measured("p12_demo.py", str(evolved)):
                return 1
        large = Path(scratch) / "large"
        subprocess.run([sys.executable, str(BENCH / "big_lineage.py"), str(large)], check=True, stdout=sys.stderr)
        lineages = Lineages(evolved, with_rows(evolved, Path(scratch) / "fed"), large)
        for claim, (script, *arguments) in claims(lineages):
            if (not only or claim in only) and not measured(script, *arguments):
                failed.append(script)
    for script in failed:
        print(f"failed: {script}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
