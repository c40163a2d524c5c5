"""Random little models for joined batches, and rows to put into them."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, set_seed

from engine.training.sft import block_diagonal_attention


def random_model(model_type: str, attention: str, **settings: Any) -> Any:
    """A random model of this architecture; the same numbers for every kind of attention."""
    config = AutoConfig.for_model(
        model_type,
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=512,
        pad_token_id=0,
        **settings,
    )
    block_diagonal_attention.register()
    set_seed(1)
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention).train()


def examples(lengths: tuple[int, ...]) -> list[dict[str, Any]]:
    random = torch.Generator().manual_seed(3)
    rows = [torch.randint(1, 97, (n,), generator=random).tolist() for n in lengths]
    return [{"input_ids": ids, "labels": [-100, *ids[1:]], "row": n} for n, ids in enumerate(rows)]
