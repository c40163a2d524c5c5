"""The trl backend: TRL's SFTTrainer on a plain transformers model, on a CPU or a GPU."""

from __future__ import annotations

import sys
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, AutoModelForCausalLM, AutoTokenizer, set_seed

from engine.core.cancellation import Control
from engine.core.errors import LunaError, UsageError
from engine.core.events import Emitter
from engine.gguf.library_logging import quiet_libraries
from engine.gguf.weights import tensor_names
from engine.training.adapter_io import save_delta
from engine.training.device import free_memory, select_device
from engine.training.job import TrainJob, TrainResult
from engine.training.sft import block_diagonal_attention
from engine.training.sft.gc_freeze import freeze_loaded_objects
from engine.training.sft.lora import check_adapters, fuse_lora_forward
from engine.training.sft.trainer import run_sft


class TrlBackend:
    """Trains with unmodified transformers, peft and TRL."""

    name = "trl"

    def train(self, job: TrainJob, emit: Emitter, control: Control) -> TrainResult:
        """Train the job and write its delta, as TrainingBackend.train specifies.

        Raises LunaError too when Unsloth was imported in this process, and UsageError when the adapter does not fit the
        model.
        """
        if "unsloth" in sys.modules:
            raise LunaError(
                "Unsloth has replaced parts of transformers in this process, so its numbers would not be TRL's",
                hint="start luna-tui again to train with the trl backend",
            )
        quiet_libraries()
        recipe = job.recipe
        machine = select_device(recipe.precision, job.threads)
        model_config = AutoConfig.from_pretrained(job.weights_dir, trust_remote_code=False)
        joined = block_diagonal_attention.fits(model_config, recipe.context)
        if joined:
            block_diagonal_attention.register()
        # Full fine-tuning updates the weights themselves: they stay in fp32, since bf16 would round away small updates.
        full = recipe.method == "full"
        set_seed(recipe.seed)
        MODEL_FOR_CAUSAL_LM_MAPPING.get(
            type(model_config), None
        )  # imports the model's code before the weights are loaded
        freeze_loaded_objects()
        model: Any = AutoModelForCausalLM.from_pretrained(
            job.weights_dir,
            dtype=torch.float32 if full else machine.dtype,
            attn_implementation=block_diagonal_attention.NAME if joined else "sdpa",
        )
        model.to(machine.device)
        if not full:
            set_seed(recipe.seed)  # the adapter's initial values do not depend on how the model was loaded
            model = _adapted(model, job)
            check_adapters(model, tensor_names(job.weights_dir))
            if joined:
                fuse_lora_forward(model)
        model.train()
        tokenizer = AutoTokenizer.from_pretrained(job.weights_dir)
        result = run_sft(model, tokenizer, job, machine, emit, control, joined=joined)
        if result.finished:
            save_delta(model, job)
        del model
        free_memory(machine)
        return result


def _adapted(model: Any, job: TrainJob) -> Any:
    """Return the model with the recipe's adapter; no dropout, so that the same seed and data give the same bytes.

    Raises UsageError when the targets fit no layer.
    """
    targets = job.recipe.targets
    config = LoraConfig(
        r=job.recipe.rank,
        lora_alpha=job.recipe.alpha,  # type: ignore[arg-type]  # peft divides it by the rank; a float is fine
        target_modules=targets if isinstance(targets, str) else list(targets),
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise UsageError(
            f"no adapter can be put on {targets!r}: {error}",
            where="luna.toml [train] targets",
            hint='targets = "all-linear" fits every model',
        ) from error
