"""Padding-free batches with attention that cannot leak: examples are concatenated, each attends only to itself.

All layers but attention run on the packed tokens, so padding costs nothing there. Attention gathers the examples into
rows of one length, where causality alone keeps real tokens from seeing padding, and scatters the result back. It is
registered under its own name with transformers; the layout of the batch reaches it as a keyword argument of the model's
forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "luna_blocks"

# Architectures whose attention is plain causal softmax attention over rotary positions; the tests compare them with
# padded batches.
MODEL_TYPES = frozenset({"llama", "mistral", "qwen2", "qwen3", "smollm3"})

# Up to this length the CPU's fused attention spends its time on overhead: 50 ms per layer in the backward pass for 32
# rows of 34 tokens, against 4 ms for two plain matrix products.
_SHORT = 160


def fits(config: Any, context: int) -> bool:
    """Return whether a model of this transformers config has plain attention over the whole context.

    That is a known architecture without attention dropout or a sliding window shorter than `context` tokens.
    """
    window = getattr(config, "sliding_window", None)
    sliding = window is not None and getattr(config, "use_sliding_window", True) and window < context
    return config.model_type in MODEL_TYPES and not sliding and not getattr(config, "attention_dropout", 0.0)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Where the tokens of a packed batch lie in rows of equal length.

    `gather` (rows · length,) holds the packed position of each place in the rows, `scatter` (tokens,) the place of each
    packed token. `bias` (length, length) is what causality adds to attention scores: 0, or bf16's lowest number for a
    token that comes later.
    """

    rows: int
    length: int
    gather: torch.Tensor
    scatter: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Blocks:
        """Lay out examples of these lengths in tokens.

        A row is padded with its own first token, at places that no real token attends to.
        """
        total, longest = sum(lengths), max(lengths)
        gather = torch.empty(len(lengths), longest, dtype=torch.long)
        scatter = torch.empty(total, dtype=torch.long)
        start = 0
        for row, length in enumerate(lengths):
            gather[row, :length] = torch.arange(start, start + length)
            gather[row, length:] = start
            scatter[start : start + length] = torch.arange(length) + row * longest
            start += length
        later = torch.ones(longest, longest, dtype=torch.bool).triu(1)
        bias = torch.zeros(longest, longest).masked_fill(later, torch.finfo(torch.bfloat16).min)
        return cls(len(lengths), longest, gather.reshape(-1), scatter, bias)

    def to(self, device: torch.device) -> Blocks:
        """Return the layout with its tensors on `device`."""
        moved = (tensor.to(device) for tensor in (self.gather, self.scatter, self.bias))
        return Blocks(self.rows, self.length, *moved)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    luna_blocks: Blocks | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Compute attention of (1, heads, tokens, width) tensors inside the blocks; returns (1, tokens, heads, width)."""
    if luna_blocks is None:
        raise ValueError("luna_blocks attention needs the batch's layout")
    blocks, heads, width = luna_blocks, query.shape[1], query.shape[3]

    def rows_of(tensor: torch.Tensor) -> torch.Tensor:
        tokens = tensor[0].transpose(0, 1).index_select(0, blocks.gather)
        return tokens.view(blocks.rows, blocks.length, -1, width).transpose(1, 2)

    q, k, v = rows_of(query), rows_of(key), rows_of(value)
    scale = scaling if scaling is not None else width**-0.5
    if q.device.type == "cpu" and blocks.length <= _SHORT:
        out = _plain(q, k, v, scale, blocks)
    else:
        if k.shape[1] != heads:
            k = k.repeat_interleave(heads // k.shape[1], dim=1)
            v = v.repeat_interleave(heads // v.shape[1], dim=1)
        out = scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    tokens = out.transpose(1, 2).reshape(blocks.rows * blocks.length, heads, width).index_select(0, blocks.scatter)
    return tokens[None], None


def _plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, blocks: Blocks) -> torch.Tensor:
    """Compute attention by two matrix products, heads that share keys and values stacked; softmax in fp32 as usual."""
    rows, heads, length, width = q.shape
    shared = heads // k.shape[1]
    products = rows * k.shape[1]
    stacked = q.reshape(products, shared * length, width)
    bias = blocks.bias.to(q.dtype).repeat(shared, 1).expand(products, -1, -1)
    scores = torch.baddbmm(bias, stacked, k.reshape(products, length, width).transpose(1, 2), alpha=scale)
    attended = torch.softmax(scores, dim=-1, dtype=torch.float32).to(v.dtype)
    return torch.bmm(attended, v.reshape(products, length, width)).view(rows, heads, length, width)


def _no_mask(*_args: Any, **_kwargs: Any) -> None:
    """Return no mask: the layout already says which token attends to which."""


def register() -> None:
    """Register `attn_implementation="luna_blocks"` with transformers; repeated calls have no effect."""
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, _no_mask)
