"""P2: model FLOPs used (MFU) by training with the console open and drawing; one JSON line.

    python bench/p2_machine.py [WORKSPACE] [--repeats 3] [--steps 30]

Without a workspace, a fresh demo. Ours is a generation begun in the real console on a pty: optimiser, journal, voice
sampling and drawing are all in it. The machine's own rate is that of plain matrix products in the shapes of the model's
linear layers and output head, each as often as the model has it, for as many tokens as a step has on average, in the
dtype that trains. The sides take turns, and the third of them is a loop of a few lines as people write it: the same
base weights and dtype, an adapter of the same rank on every linear layer, batches of the first rows of the same
curriculum, forward, loss, backward, and no optimiser at all. Tokens are those of the rows, not padding.

FLOPs of a token: 4 for each frozen weight (forward, and backward to the inputs; a frozen weight has no gradient), 6 for
each weight of the adapter (Kaplan et al. 2020, section 2.1), and 4 for each weight of the output head. Attention's own
products and everything that is no product are not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from p1_training import make_job
from pty_console import demo_copy, opened, train_from_form

WARM_UP = 3
PRODUCTS = 12  # of each shape; the first is not counted


def main() -> None:
    """Run both sides `--repeats` times in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workspace", nargs="?")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--side", choices=("bare", "products"), help=argparse.SUPPRESS)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        job = json.loads(options.job.read_text())
        print("RESULT " + json.dumps({"bare": bare, "products": products}[options.side](job)))
        return
    ours: list[float] = []
    theirs: list[float] = []
    rates: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        job_file = Path(scratch) / "job.json"
        for _ in range(options.repeats):
            speed, job = with_console(options.workspace, options.steps, Path(scratch))
            ours.append(speed)
            job_file.write_text(json.dumps(job))
            theirs.append(run_side(job_file, "bare"))
            rates.append(run_side(job_file, "products"))
        per_token = flops_per_token(shapes_of(Path(job["weights"])), job["rank"])
    print(
        json.dumps(
            {
                "claim": "P2",
                "console_open_tokens_per_s": [round(speed, 1) for speed in ours],
                "bare_tokens_per_s": [round(speed, 1) for speed in theirs],
                "beside_bare": round(median(ours) / median(theirs), 3),
                "products_gflop_per_s": [round(rate / 1e9, 1) for rate in rates],
                "flops_per_token": per_token,
                "mfu": round(median(ours) * per_token / median(rates), 3),
                "to_reach": {"mfu": 0.6},
            }
        )
    )


def with_console(source: str | None, steps: int, scratch: Path) -> tuple[float, dict[str, Any]]:
    """Tokens a second of a generation in an open console, and the job for the bare side."""
    from engine.config.load import load_config

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
    tokens = sum(event["tokens"] for event in fed[1:])
    return tokens / (fed[-1]["mono"] - fed[0]["mono"]), job


def run_side(job_file: Path, side: str) -> float:
    """The bare loop, or the products, in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--job", str(job_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{side} failed:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def shapes_of(weights: Path) -> dict[tuple[int, int], int]:
    """How often each shape (outputs, inputs) stands in the linear layers of a model directory; the head is one more."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(weights)
    hidden, inner = config.hidden_size, config.intermediate_size
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    queries, keys = config.num_attention_heads * head, config.num_key_value_heads * head
    layer = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries)]
    layer += [(inner, hidden), (inner, hidden), (hidden, inner)]
    counts = {shape: count * config.num_hidden_layers for shape, count in Counter(layer).items()}
    return counts | {(config.vocab_size, hidden): 1}


def flops_per_token(shapes: dict[tuple[int, int], int], rank: int) -> int:
    """Floating-point operations that training with an adapter must do for a token."""
    frozen = sum(outputs * inputs * count for (outputs, inputs), count in shapes.items())
    adapter = sum(rank * (outputs + inputs) * count for (outputs, inputs), count in shapes.items() if count > 1)
    return 4 * frozen + 6 * adapter


def products(job: dict[str, Any]) -> float:
    """FLOP/s of products in the model's shapes, forward and backward to the inputs."""
    import torch

    from engine.training.device import select_device

    machine = select_device("auto", 0)
    tokens = sum(map(len, job["rows"])) * job["batch"] // len(job["rows"])
    total = seconds = 0.0
    for (outputs, inputs), count in shapes_of(Path(job["weights"])).items():
        weight = torch.randn(outputs, inputs, dtype=machine.dtype, device=machine.device)
        forward = torch.randn(tokens, inputs, dtype=machine.dtype, device=machine.device)
        backward = torch.randn(tokens, outputs, dtype=machine.dtype, device=machine.device)
        times: list[float] = []
        for _ in range(PRODUCTS):
            began = time.perf_counter()
            forward @ weight.T
            backward @ weight
            if machine.device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
        total += 4.0 * tokens * outputs * inputs * count
        seconds += median(times[1:]) * count
    return total / seconds


def bare(job: dict[str, Any]) -> float:
    """Tokens a second of forward and backward passes alone."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from engine.training.device import select_device

    machine = select_device("auto", 0)
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
