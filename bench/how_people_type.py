"""Levers against models that finish a person's sentence: what G1 answers to prompts it was trained on, four ways typed.

Each arm trains G0 and G1 on a curriculum with one lever or several, each with every seed, and is asked up to `--asked`
voice rows and as many facts: as written, without the final mark, in lower case, and both. One JSON line an arm and
seed: exact answers, and answers that first go on with the prompt.

    python bench/how_people_type.py examples/ferry --seeds 0,1,2 --arms before,both-0.5

With a workspace instead, nothing is trained: its HEAD is asked 80 prompts of a file it was trained on.

    python bench/how_people_type.py --workspace demo demo/curriculum/conversations/behaviors.jsonl
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARMS: dict[str, dict[str, str]] = {
    "before": {"TRAIN__BASE__PROMPTS_COUNT": "true", "TRAIN__AS_TYPED": "0.0"},
    "masked": {"TRAIN__AS_TYPED": "0.0"},
    "typed": {"TRAIN__BASE__PROMPTS_COUNT": "true", "TRAIN__AS_TYPED": "0.5"},
    "both-0.25": {"TRAIN__AS_TYPED": "0.25"},
    "both-0.5": {"TRAIN__AS_TYPED": "0.5"},
    "both-0.75": {"TRAIN__AS_TYPED": "0.75"},
}

# The gate must let every arm pass, since all of them are asked; what luna itself would ask is kept short.
OPEN_GATE = {f"EVAL__{name}_TARGET": "0.0" for name in ("RECALL", "GENERALIZATION", "ANSWERED")}
OPEN_GATE |= {f"EVAL__{name}_TARGET": "1.0" for name in ("DRIFT", "CONTINUED")}
OPEN_GATE |= {"EVAL__TONE_SAMPLES": "0", "EVAL__QA_TRAINED_ROWS": "0", "VOICE__WHILE_TRAINING": "false"}


def luna(environment: dict[str, str], *arguments: str) -> None:
    """Run a command of luna-tui with `LUNA_*` variables laid over luna.toml; raises CalledProcessError."""
    variables = {f"LUNA_{key}": value for key, value in environment.items()}
    subprocess.run(
        [sys.executable, "-m", "luna_tui", *arguments],
        env=os.environ | variables,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def trained_rows(workspace: Path, gen: int, count: int) -> list[tuple[str, str]]:
    """Up to `count` questions that a generation was trained on, with their answers."""
    from engine.models.lineage_weights import holdout_ids_of, new_rows_of
    from engine.workspace.layout import Workspace

    opened = Workspace(workspace)
    held = holdout_ids_of(opened, gen)
    rows = [row for row in new_rows_of(opened, gen) if row.kind == "qa" and row.id not in held]
    return [(row.prompt, row.response) for row in random.Random(1).sample(rows, min(count, len(rows)))]


def ask(workspace: Path, sets: dict[str, list[tuple[str, str]]]) -> dict[str, dict[str, int]]:
    """Ask HEAD each question in each wording; counts of exact and continued answers by set and wording."""
    from engine.config.load import load_config
    from engine.runtime.client import Runtime
    from engine.workspace.layout import Workspace
    from probes.typing_habits import HABITS, as_typed

    opened = Workspace(workspace)
    head = opened.head.current()
    assert head is not None
    found: dict[str, dict[str, int]] = {}
    with Runtime() as runtime:
        runtime.load(opened.gguf(head), n_ctx=load_config(workspace).model.context, n_parallel=16)
        for name, rows in sets.items():
            for wording in ("as written", *HABITS):
                prompts = [prompt if wording == "as written" else as_typed(prompt, wording) for prompt, _ in rows]
                answers = runtime.generate(prompts, max_tokens=64)
                exact = [
                    not answer.continued and answer.text == response
                    for (_, response), answer in zip(rows, answers, strict=True)
                ]
                continued = sum(answer.continued for answer in answers)
                found[f"{name}, {wording}"] = {"asked": len(rows), "exact": sum(exact), "continued": continued}
    return found


def train_arms(chosen: argparse.Namespace) -> None:
    """Train and ask every arm with every seed."""
    steps = chosen.steps.split(",")
    for seed, arm in itertools.product(chosen.seeds.split(","), chosen.arms.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            workspace = Path(scratch) / "lineage"
            luna({}, "init", str(workspace))
            shutil.copytree(chosen.source / "curriculum", workspace / "curriculum", dirs_exist_ok=True)
            recipe = {"TRAIN__BASE__STEPS": steps[0], "TRAIN__ALIGN__STEPS": steps[1], "TRAIN__LR": "1.5e-3"}
            recipe |= {"TRAIN__BATCH_SIZE": chosen.batch, "TRAIN__ALIGN__BLEND": "0.75", "TRAIN__SEED": seed}
            began = time.monotonic()
            luna(recipe | OPEN_GATE | ARMS[arm], "-w", str(workspace), "train", "-n", "2")
            minutes = round((time.monotonic() - began) / 60, 1)
            sets = {name: trained_rows(workspace, gen, chosen.asked) for name, gen in (("facts", 0), ("voice", 1))}
            line = {"arm": arm, "seed": int(seed), "source": chosen.source.name, "minutes": minutes}
            print(json.dumps(line | ask(workspace, sets)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a folder with curriculum/ in it; with --workspace, a JSONL file")
    parser.add_argument("--workspace", type=Path, help="ask its HEAD instead of training")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", default="100,80", help="steps of G0 and of G1")
    parser.add_argument("--batch", default="8")
    parser.add_argument("--asked", type=int, default=40)
    chosen = parser.parse_args()
    if chosen.workspace is None:
        train_arms(chosen)
        return
    rows = [json.loads(line) for line in chosen.source.read_text(encoding="utf-8").splitlines()]
    random.seed(1)
    asked = [(row["prompt"], row["response"]) for row in random.sample(rows, min(80, len(rows)))]
    print(json.dumps(ask(chosen.workspace, {chosen.source.stem: asked})))


if __name__ == "__main__":
    main()
