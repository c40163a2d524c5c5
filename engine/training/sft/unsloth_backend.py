"""The unsloth backend: Unsloth's FastLanguageModel in the same SFTTrainer loop, on a GPU or on its CPU path."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import Any

# Set before Unsloth is imported: no statistics call, no compiled cache in the working directory.
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
os.environ.setdefault("UNSLOTH_COMPILE_DISABLE", "1")

with redirect_stdout(sys.stderr):  # its banner must not mix with luna's data on stdout
    import unsloth  # type: ignore[import-untyped]  # first: it replaces parts of trl and transformers at import

import torch
from transformers import set_seed

from engine.core.cancellation import Control
from engine.core.events import Emitter
from engine.gguf.library_logging import noise_to_stderr, quiet_libraries
from engine.gguf.weights import tensor_names
from engine.training.adapter_io import save_delta
from engine.training.device import free_memory, select_device
from engine.training.job import TrainJob, TrainResult
from engine.training.sft.gc_freeze import freeze_loaded_objects
from engine.training.sft.lora import check_adapters
from engine.training.sft.trainer import run_sft

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class UnslothBackend:
    """Trains with Unsloth's kernels where there is a GPU, and with its plain path where there is none."""

    name = "unsloth"

    def train(self, job: TrainJob, emit: Emitter, control: Control) -> TrainResult:
        """Train the job and write its delta, as TrainingBackend.train specifies.

        Raises UsageError too when the adapter's layers cannot be exported.
        """
        quiet_libraries()
        recipe = job.recipe
        machine = select_device(recipe.precision, job.threads)
        full = recipe.method == "full"
        set_seed(recipe.seed)
        freeze_loaded_objects()
        model: Any
        with noise_to_stderr():
            model, tokenizer = unsloth.FastLanguageModel.from_pretrained(
                model_name=str(job.weights_dir),
                max_seq_length=recipe.context,
                dtype=torch.float32 if full else machine.dtype,
                load_in_4bit=False,
                full_finetuning=full,
                local_files_only=True,
            )
        if not full:
            targets = ALL_LINEAR if recipe.targets == "all-linear" else tuple(recipe.targets)
            model = unsloth.FastLanguageModel.get_peft_model(
                model,
                r=recipe.rank,
                lora_alpha=recipe.alpha,
                target_modules=list(targets),
                lora_dropout=0,
                bias="none",
                use_gradient_checkpointing=False,
                random_state=recipe.seed,
                max_seq_length=recipe.context,
            )
            check_adapters(model, tensor_names(job.weights_dir))
        result = run_sft(model, tokenizer, job, machine, emit, control, joined=False, own_loss=False)
        if result.finished:
            save_delta(model, job)
        del model
        free_memory(machine)
        return result
