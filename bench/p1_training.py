"""P1: training throughput of luna's trl backend against TRL's SFTTrainer and Unsloth, each with its defaults.

    python bench/p1_training.py [CURRICULUM] [--base GGUF] [--steps 8] [--batch 16] [--rank 32] [--repeats 3]

All sides get the same rows as the same token ids in the same order, the same base weights, LoRA rank, batch size,
learning rate and threads; everything else is as each comes, also how threads wait: luna sets what luna-tui sets, the
others have what their libraries choose. Each run is a process of its own, the sides take turns, and
the first step is not counted. Tokens are those of the rows, not padding. One JSON line on stdout; `ratio` is ours to
the better of the others.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SIDES = ("luna", "trl", "unsloth")


def main() -> None:
    """Run every side `--repeats` times, interleaved, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("curriculum", type=Path, nargs="?", default=ROOT / "examples" / "aios" / "curriculum")
    parser.add_argument("--base", default="smollm2-135m")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        job = json.loads(options.job.read_text())
        print("RESULT " + json.dumps({"luna": run_luna, "trl": run_trl, "unsloth": run_unsloth}[options.side](job)))
        return
    with tempfile.TemporaryDirectory() as directory:
        job_file = Path(directory) / "job.json"
        job_file.write_text(json.dumps(make_job(options, Path(directory))))
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for repeat in range(options.repeats):
            for side in SIDES:
                runs[side].append(run_side(side, options.curriculum, job_file))
                print(f"{repeat + 1}/{options.repeats} {side}: {runs[side][-1]}", file=sys.stderr)
    speeds = {side: statistics.median(run["tokens_per_s"] for run in runs[side]) for side in SIDES}
    print(
        json.dumps(
            {
                "claim": "P1",
                "tokens_per_s": {side: round(speed, 1) for side, speed in speeds.items()},
                "ratio": round(speeds["luna"] / max(speeds["trl"], speeds["unsloth"]), 3),
                "to_reach": 1.35,
                "last_loss": {side: round(statistics.median(run["loss"] for run in runs[side]), 4) for side in SIDES},
                "notes": sorted({run["note"] for side in SIDES for run in runs[side] if run["note"]}),
                "runs": {side: [round(run["tokens_per_s"], 1) for run in runs[side]] for side in SIDES},
                "steps": options.steps,
                "batch": options.batch,
                "rank": options.rank,
                "threads": len(os.sched_getaffinity(0)),
            }
        )
    )


def make_job(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """Prepare the base and cut the curriculum's first rows into ids with the runtime's tokenizer."""
    from engine.config.config import Config
    from engine.config.schema import ModelSection
    from engine.data.curriculum import read_curriculum
    from engine.models.base import prepare_base
    from engine.runtime.client import Runtime
    from engine.training.tokenize_rows import Specials, encode_rows
    from engine.workspace.layout import Workspace

    base = str(Path(options.base).resolve()) if Path(options.base).exists() else options.base
    config = Config(model=ModelSection(base=base))
    prepared = prepare_base(Workspace(directory), config)
    stages = [stage.name for stage in sorted(options.curriculum.iterdir()) if stage.is_dir()]
    ordered = [stage for stage in config.curriculum.stages if stage in stages] or stages
    rows = read_curriculum(options.curriculum, ordered).rows[: options.steps * options.batch]
    with Runtime() as runtime:
        info = runtime.load(prepared.gguf, vocab_only=True)
        specials = Specials(info.bos_id if info.add_bos else None, info.eos_id)
        examples = encode_rows(rows, runtime.tokenize, specials, config.model.context, prompts_count=True)
    return {
        "weights": str(prepared.weights),
        "rows": [list(example.ids) for example in examples],
        "steps": options.steps,
        "batch": options.batch,
        "rank": options.rank,
        "lr": options.lr,
        "pad": info.eos_id,
        "work": str(directory),
    }


def run_side(side: str, curriculum: Path, job_file: Path) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, str(curriculum), "--side", side, "--job", str(job_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=side_environment(side))
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{side} failed:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def side_environment(side: str) -> dict[str, str]:
    """What a person who starts this side would have set: nothing of luna's for the others."""
    from luna_tui.common.environment import prepare_environment

    waiting = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # `make bench` sets the first one for luna
    environment = {name: value for name, value in os.environ.items() if name not in waiting}
    if side == "luna":
        prepare_environment(environment)
    return environment


def run_luna(job: dict[str, Any]) -> dict[str, Any]:
    """Our trl backend with the default recipe."""
    from engine.config.config import Config
    from engine.core.cancellation import Control
    from engine.core.events import Emitter, Event, TrainStep
    from engine.training.job import IGNORED, Example, TrainJob
    from engine.training.sft.trl_backend import TrlBackend

    steps, losses = [0.0], [0.0]

    def listen(event: Event) -> None:
        if isinstance(event, TrainStep):
            steps.append(time.perf_counter())
            losses.append(event.loss)

    recipe = replace(
        Config().recipe("base"),
        steps=job["steps"],
        batch_size=job["batch"],
        rank=job["rank"],
        alpha=2.0 * job["rank"],
        lr=job["lr"],
        checkpoint_every=10**6,
    )
    with tempfile.TemporaryDirectory(dir=job["work"]) as work:
        examples = tuple(Example(str(n), tuple(ids), (IGNORED, *ids[1:]), "") for n, ids in enumerate(job["rows"]))
        plan = TrainJob(
            weights_dir=Path(job["weights"]),
            examples=examples,
            recipe=recipe,
            steps=job["steps"],
            accumulation=1,
            threads=0,
            work_dir=Path(work),
            delta_path=Path(work) / "delta.safetensors",
            pad_id=job["pad"],
        )
        TrlBackend().train(plan, Emitter("bench", listen), Control())
    return measured(job, steps[1:], losses[1:], "")


def run_trl(job: dict[str, Any]) -> dict[str, Any]:
    """TRL's SFTTrainer on a model that transformers loads, all settings of speed as they come."""
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(job["weights"])
    tokenizer = AutoTokenizer.from_pretrained(job["weights"])
    peft_config = LoraConfig(
        r=job["rank"], lora_alpha=2 * job["rank"], target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return stock(job, model, tokenizer, peft_config)


def run_unsloth(job: dict[str, Any]) -> dict[str, Any]:
    """Unsloth's FastLanguageModel under the SFTTrainer it provides, as its own examples have it."""
    import unsloth  # type: ignore[import-untyped]

    model, tokenizer = unsloth.FastLanguageModel.from_pretrained(
        model_name=job["weights"], max_seq_length=512, load_in_4bit=False, local_files_only=True
    )
    model = unsloth.FastLanguageModel.get_peft_model(model, r=job["rank"], lora_alpha=2 * job["rank"])
    return stock(job, model, tokenizer, None)


def stock(job: dict[str, Any], model: Any, tokenizer: Any, peft_config: Any) -> dict[str, Any]:
    """Train with SFTTrainer; only what makes the runs comparable is set, and what writes files or progress is off."""
    import torch
    import trl.trainer.utils as trl_utils
    from datasets import Dataset
    from transformers import Trainer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    times: list[float] = []
    losses: list[float] = []

    class Clock(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if logs and "learning_rate" in logs:
                times.append(time.perf_counter())
                losses.append(float(logs["loss"]))

    class PlainLoss(SFTTrainer):
        """SFTTrainer with the loss it inherits, for machines where its own cannot run."""

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return Trainer.compute_loss(self, *args, **kwargs)

    # Unsloth brings a loss of its own; TRL's is written in Triton, which CPU builds of torch do not have.
    usable = peft_config is None or getattr(trl_utils, "_ChunkedLogProbFunction", True) is not None
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(dir=job["work"]) as work:
        arguments = SFTConfig(
            output_dir=work,
            max_steps=job["steps"],
            per_device_train_batch_size=job["batch"],
            learning_rate=job["lr"],
            lr_scheduler_type="cosine",
            warmup_steps=round(0.05 * job["steps"]),
            train_sampling_strategy="sequential",
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            use_cpu=not torch.cuda.is_available(),
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = (SFTTrainer if usable else PlainLoss)(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_dict({"input_ids": job["rows"], "labels": job["rows"]}),
            processing_class=tokenizer,
            peft_config=peft_config,
            callbacks=[Clock()],
        )
        trainer.train()
    note = "" if usable else "TRL's own loss needs Triton: measured with the loss SFTTrainer inherits, which is cheaper"
    return measured(job, times, losses, note)


def measured(job: dict[str, Any], times: list[float], losses: list[float], note: str) -> dict[str, Any]:
    """Tokens a second from the end of the first step on, and the mean loss of the last quarter."""
    rows, batch, steps = job["rows"], job["batch"], job["steps"]
    fed = [rows[(batch * step + i) % len(rows)] for step in range(1, steps) for i in range(batch)]
    tail = losses[-max(1, steps // 4) :]
    seconds = times[-1] - times[0]
    return {"tokens_per_s": sum(map(len, fed)) / seconds, "loss": sum(tail) / len(tail), "note": note}


if __name__ == "__main__":
    main()
