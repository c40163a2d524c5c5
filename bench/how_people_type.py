"""Levers against models that finish a person's sentence: what G1 answers to prompts it was trained on, four ways typed.

Each arm trains G0 and G1 on a curriculum with one lever or several, each with every seed, and is asked up to `--asked`
voice rows and as many facts: as written, without the final mark, in lower case, and both. One JSON line an arm and
seed: exact answers, and answers that first go on with the prompt.

    python bench/how_people_type.py examples/ferry --seeds 0,1,2 --arms before,both-0.5
"""

from __future__ import annotations

import argparse
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

# The gate must let every arm pass, since all of them are asked.
OPEN_GATE = {f"EVAL__{name}_TARGET": "0.0" for name in ("RECALL", "GENERALIZATION", "ANSWERED")}
OPEN_GATE |= {f"EVAL__{name}_TARGET": "1.0" for name in ("DRIFT", "CONTINUED")}


def luna(environment: dict[str, str], *arguments: str) -> None:
    """Run a command of luna-tui with `LUNA_*` variables laid over luna.toml; raises CalledProcessError."""
    variables = {f"LUNA_{key}": value for key, value in environment.items()}
    subprocess.run(
        [sys.executable, "-m", "luna_tui", *arguments],
        env=os.environ | variables,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def ask(workspace: Path, count: int) -> dict[str, dict[str, int]]:
    """Ask HEAD its trained rows in each wording; counts of exact and continued answers by set and wording."""
    from engine.config import load_config
    from engine.inheritance import holdout_ids_of, new_rows_of
    from engine.runtime.client import Runtime
    from engine.workspace import Workspace
    from probes.scoring import is_match
    from probes.typing_habits import HABITS, as_typed

    opened = Workspace(workspace)
    head = opened.head.current()
    assert head is not None
    found: dict[str, dict[str, int]] = {}
    with Runtime() as runtime:
        runtime.load(opened.gguf(head), n_ctx=load_config(workspace).model.context, n_parallel=16)
        for name, gen in (("facts", 0), ("voice", 1)):
            held = holdout_ids_of(opened, gen)
            rows = [row for row in new_rows_of(opened, gen) if row.kind == "qa" and row.id not in held]
            rows = random.Random(1).sample(rows, min(count, len(rows)))
            for wording in ("as written", *HABITS):
                prompts = [row.prompt if wording == "as written" else as_typed(row.prompt, wording) for row in rows]
                answers = runtime.generate(prompts, max_tokens=48)
                exact = sum(
                    answer.stop_reason == "eos"
                    and not answer.continued
                    and is_match(answer.text, row.response, row.accept)
                    for row, answer in zip(rows, answers, strict=True)
                )
                continued = sum(answer.continued for answer in answers)
                found[f"{name}, {wording}"] = {"asked": len(rows), "exact": exact, "continued": continued}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sample", type=Path, help="a folder with curriculum/ in it")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", default="120,100", help="steps of G0 and of G1")
    parser.add_argument("--batch", default="8")
    parser.add_argument("--asked", type=int, default=40)
    chosen = parser.parse_args()
    steps = chosen.steps.split(",")
    for seed in chosen.seeds.split(","):
        for arm in chosen.arms.split(","):
            with tempfile.TemporaryDirectory() as scratch:
                workspace = Path(scratch) / "lineage"
                luna({}, "init", str(workspace))
                shutil.copytree(chosen.sample / "curriculum", workspace / "curriculum", dirs_exist_ok=True)
                recipe = {
                    "TRAIN__BASE__STEPS": steps[0],
                    "TRAIN__ALIGN__STEPS": steps[1],
                    "TRAIN__BATCH_SIZE": chosen.batch,
                }
                recipe |= {"TRAIN__LR": "1.5e-3", "TRAIN__ALIGN__BLEND": "0.75", "TRAIN__SEED": seed}
                began = time.monotonic()
                luna(recipe | OPEN_GATE | ARMS[arm], "-w", str(workspace), "train", "-n", "2")
                line = {
                    "arm": arm,
                    "seed": int(seed),
                    "sample": chosen.sample.name,
                    "minutes": (time.monotonic() - began) / 60,
                }
                print(json.dumps(line | ask(workspace, chosen.asked)), flush=True)


if __name__ == "__main__":
    main()
