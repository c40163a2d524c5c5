"""Joined batches compute what padded ones do, and no example can see another."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from joined_batches import examples, random_model
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, set_seed

from engine.training.sft import block_diagonal_attention
from engine.training.sft.block_diagonal_attention import Blocks
from engine.training.sft.collator import Collator
from engine.training.sft.lora import fuse_lora_forward, lora_modules

LENGTHS = (5, 17, 1, 9)


def joined_logits(model: Any, rows: list[dict[str, Any]]) -> torch.Tensor:
    batch = Collator(0, joined=True)(rows)
    return model(
        input_ids=batch["input_ids"],
        position_ids=batch["position_ids"],
        use_cache=False,
        luna_blocks=Blocks.of(batch["lengths"].tolist()),
    ).logits[0]


def padded_logits(model: Any, rows: list[dict[str, Any]]) -> torch.Tensor:
    batch = Collator(0, joined=False)(rows)
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
    return torch.cat([logits[i, : len(row["input_ids"])] for i, row in enumerate(rows)])


@pytest.mark.parametrize("model_type", sorted(block_diagonal_attention.MODEL_TYPES))
@pytest.mark.parametrize("lengths", [LENGTHS, (5, 200, 40)], ids=["short", "long"])
def test_joined_batches_give_the_logits_of_padded_ones(model_type: str, lengths: tuple[int, ...]) -> None:
    rows = examples(lengths)
    with torch.no_grad():
        joined = joined_logits(random_model(model_type, block_diagonal_attention.NAME), rows)
        padded = padded_logits(random_model(model_type, "eager"), rows)
    assert torch.allclose(joined, padded, atol=2e-5)
    assert joined.abs().max() > 0.1


@pytest.mark.parametrize("model_type", sorted(block_diagonal_attention.MODEL_TYPES))
def test_fast_adapters_on_joined_batches_get_the_gradients_of_plain_ones_on_padded_batches(model_type: str) -> None:
    rows = examples(LENGTHS)
    gradients: list[dict[str, tuple[torch.Tensor, ...]]] = []
    for attention, logits_of in ((block_diagonal_attention.NAME, joined_logits), ("eager", padded_logits)):
        model = random_model(model_type, attention)
        config = LoraConfig(r=4, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM")
        set_seed(2)
        model = get_peft_model(model, config)
        for _, b in lora_modules(model).values():
            torch.nn.init.normal_(b, std=0.05)
        if attention == block_diagonal_attention.NAME:
            fuse_lora_forward(model)
        weights = torch.randn(97, generator=torch.Generator().manual_seed(5))
        (logits_of(model, rows) @ weights).square().mean().backward()
        gradients.append(
            {
                name: tuple(m.grad.clone() for m in pair if m.grad is not None)
                for name, pair in lora_modules(model).items()
            }
        )
    fast, plain = gradients
    assert fast.keys() == plain.keys()
    assert not any("lm_head" in name for name in fast)
    for name in plain:
        assert len(fast[name]) == 2
        for ours, theirs in zip(fast[name], plain[name], strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-5 * float(theirs.abs().max())), name


@pytest.mark.parametrize("lengths", [LENGTHS, (5, 170, 9)], ids=["short", "long"])
def test_changing_one_example_changes_no_bit_of_the_others(lengths: tuple[int, ...]) -> None:
    model, rows = random_model("llama", block_diagonal_attention.NAME), examples(lengths)
    changed = [dict(row) for row in rows]
    changed[1]["input_ids"] = [96 - i for i in changed[1]["input_ids"]]
    with torch.no_grad():
        before, after = joined_logits(model, rows), joined_logits(model, changed)
    first, second = lengths[0], lengths[0] + lengths[1]
    assert torch.equal(before[:first], after[:first])
    assert torch.equal(before[second:], after[second:])
    assert not torch.equal(before[first:second], after[first:second])


def test_a_layout_covers_every_token_once() -> None:
    layout = Blocks.of([3, 1, 4])
    assert (layout.rows, layout.length) == (3, 4)
    assert layout.gather.view(3, 4)[0].tolist() == [0, 1, 2, 0]
    assert layout.gather[layout.scatter].tolist() == list(range(8))


def test_only_plain_attention_over_the_whole_context_is_joined() -> None:
    assert block_diagonal_attention.fits(AutoConfig.for_model("llama"), 512)
    assert block_diagonal_attention.fits(AutoConfig.for_model("mistral", sliding_window=4096), 4096)
    assert not block_diagonal_attention.fits(AutoConfig.for_model("mistral", sliding_window=256), 512)
    assert block_diagonal_attention.fits(
        AutoConfig.for_model("qwen2", use_sliding_window=False, sliding_window=16), 512
    )
    assert not block_diagonal_attention.fits(AutoConfig.for_model("llama", attention_dropout=0.1), 512)
    assert not block_diagonal_attention.fits(AutoConfig.for_model("gpt2"), 512)


def test_attention_without_a_layout_is_refused() -> None:
    with pytest.raises(ValueError) as raised:
        random_model("llama", block_diagonal_attention.NAME)(input_ids=torch.tensor([[1, 2, 3]]))
    assert "layout" in str(raised.value)
