"""Extract the delta from the trained model and save it."""

from __future__ import annotations

from typing import Any

import torch

from engine.gguf.weights import load_weights, save_full_delta, save_lora_delta
from engine.training.job import TrainJob
from engine.training.sft.lora import lora_modules


def save_delta(model: Any, job: TrainJob) -> None:
    """Write the job's delta: the adapter, or after full fine-tuning every tensor but a tied output matrix.

    The recipe's `blend` is part of it, so that rebuilding the child needs the delta alone.
    """
    recipe = job.recipe
    if recipe.method == "lora":
        save_lora_delta(job.delta_path, lora_modules(model), recipe.blend * recipe.alpha / recipe.rank)
        return
    tied = bool(model.config.tie_word_embeddings)
    weights = {name: t for name, t in model.state_dict().items() if not (tied and name == "lm_head.weight")}
    if recipe.blend < 1:
        parent = load_weights(job.weights_dir)
        weights = {
            n: parent[n] + recipe.blend * (t.detach().to("cpu", torch.float32) - parent[n]) for n, t in weights.items()
        }
    save_full_delta(job.delta_path, weights)
