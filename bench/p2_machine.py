"""P2: training with the console open and drawing, beside bare forward and backward passes of the same model on batches
of the same size; one JSON line.

    python bench/p2_machine.py [WORKSPACE] [--repeats 3] [--steps 30]

Without a workspace, a fresh demo. Ours is a generation begun in the real console on a pty: optimiser, journal, voice
sampling and drawing are all in it. The bare side is a loop of a few lines: the same base weights in the same number
format, an adapter of the same rank on every linear layer, batches of the first rows of the same curriculum, forward,
loss, backward, and no optimiser at all. Tokens are those of the rows, not padding. The sides take turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from p1_training import make_job
from pty_console import demo_copy, opened, train_from_form

WARM_UP = 3


def main() -> None:
    """Run both sides `--repeats` times in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workspace", nargs="?")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        print("RESULT " + json.dumps(bare(json.loads(options.bare.read_text()))))
        return
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        job_file = Path(scratch) / "job.json"
        for _ in range(options.repeats):
            speed, job = with_console(options.workspace, options.steps, Path(scratch))
            ours.append(speed)
            job_file.write_text(json.dumps(job))
            theirs.append(run_bare(job_file))
    print(
        json.dumps(
            {
                "claim": "P2",
                "console_open_tokens_per_s": [round(speed, 1) for speed in ours],
                "bare_tokens_per_s": [round(speed, 1) for speed in theirs],
                "ratio": round(median(ours) / median(theirs), 3),
                "to_reach": 0.9,
            }
        )
    )


def with_console(source: str | None, steps: int, scratch: Path) -> tuple[float, dict[str, Any]]:
    """Tokens a second of a generation in an open console, and the job for the bare side."""
    from engine.config import load_config

    with demo_copy(source) as workspace, opened(workspace) as terminal:
        train_from_form(terminal)
        journal = max(workspace.glob("runs/*/events.jsonl"), key=lambda path: path.stat().st_mtime)
        terminal.wait(lambda: journal.read_bytes().count(b'"train_step"') >= steps, f"step {steps}", timeout=900)
        events = [json.loads(line) for line in journal.read_text().splitlines()]
        config = load_config(workspace)
        recipe = config.recipe("base")
        options = argparse.Namespace(
            curriculum=workspace / config.curriculum.path,
            base=config.model.base,
            steps=steps,
            batch=recipe.batch_size,
            rank=recipe.rank,
            lr=recipe.lr,
        )
        job = make_job(options, scratch)
    fed = [event for event in events if event["type"] == "train_step"][WARM_UP:steps]
    # In phase `base` every token of a row but its first has a loss.
    tokens = sum(event["tokens"] + job["batch"] for event in fed[1:])
    return tokens / (fed[-1]["mono"] - fed[0]["mono"]), job


def run_bare(job_file: Path) -> float:
    """The bare loop in a process of its own."""
    command = [sys.executable, __file__, "--bare", str(job_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"the bare side failed:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def bare(job: dict[str, Any]) -> float:
    """Tokens a second of forward and backward passes alone."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from engine.training.machine import pick_machine

    machine = pick_machine("auto", 0)
    model = AutoModelForCausalLM.from_pretrained(job["weights"], dtype=machine.dtype).to(machine.device)
    adapter = LoraConfig(r=job["rank"], lora_alpha=2 * job["rank"], target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, adapter, autocast_adapter_dtype=False)
    model.train()
    rows, batch = job["rows"], job["batch"]
    moments: list[float] = []
    tokens: list[int] = []
    for start in range(0, len(rows) - batch + 1, batch):
        chosen = rows[start : start + batch]
        longest = max(map(len, chosen))
        ids = torch.tensor([[*row, *[job["pad"]] * (longest - len(row))] for row in chosen], device=machine.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in chosen], device=machine.device)
        model(
            input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100), use_cache=False
        ).loss.backward()
        if machine.device.type == "cuda":
            torch.cuda.synchronize()
        for parameter in model.parameters():
            parameter.grad = None
        moments.append(time.perf_counter())
        tokens.append(sum(map(len, chosen)))
    seconds = [later - earlier for earlier, later in pairwise(moments)][WARM_UP:]
    return sum(tokens[1 + WARM_UP :]) / sum(seconds)


if __name__ == "__main__":
    main()
