"""A batch in parts, side by side: the loss and the gradients of the whole batch, the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from joined_batches import examples, random_model
from peft import LoraConfig, get_peft_model
from transformers import set_seed

from engine.training.sft import block_diagonal_attention
from engine.training.sft.block_diagonal_attention import Blocks
from engine.training.sft.collator import IGNORED, Collator
from engine.training.sft.lanes import Lanes, balance_rows, lane_count, part_of
from engine.training.sft.lora import fuse_lora_forward, lora_modules

LENGTHS = (5, 17, 2, 9, 11)


def adapted() -> Any:
    model = random_model("llama", block_diagonal_attention.NAME)
    set_seed(2)
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM"))
    for _, b in lora_modules(model).values():
        torch.nn.init.normal_(b, std=0.05)
    fuse_lora_forward(model)
    return model


def loss_with(model: Any) -> Callable[[dict[str, Any]], torch.Tensor]:
    def loss_of(batch: dict[str, Any]) -> torch.Tensor:
        logits = model(
            input_ids=batch["input_ids"],
            position_ids=batch["position_ids"],
            use_cache=False,
            luna_blocks=Blocks.of(batch["lengths"].tolist()),
        ).logits[0]
        labels = batch["labels"][0]
        counted = labels.ne(IGNORED).nonzero()[:, 0]
        return torch.nn.functional.cross_entropy(logits[counted - 1], labels[counted], reduction="sum")

    return loss_of


def trained_by(lanes: Lanes) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The loss of one batch, and the gradients that a backward pass leaves."""
    model, batch = adapted(), Collator(0, joined=True)(examples(LENGTHS))
    loss = lanes.loss(batch, loss_with(model), model)
    loss.backward()
    return loss.detach(), [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_parts_side_by_side_give_the_loss_and_the_gradients_of_the_whole_batch(count: int) -> None:
    model, batch = adapted(), Collator(0, joined=True)(examples(LENGTHS))
    whole = loss_with(model)(batch)
    whole.backward()
    expected = [p.grad for p in model.parameters() if p.grad is not None]
    with Lanes(count, count) as lanes:
        loss, gradients = trained_by(lanes)
        again = trained_by(lanes)
    assert float(loss) == pytest.approx(float(whole.detach()), rel=1e-5)
    assert len(gradients) == len(expected) > 0
    for ours, theirs in zip(gradients, expected, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-5 * float(theirs.abs().max()))
    assert torch.equal(loss, again[0])
    assert all(torch.equal(a, b) for a, b in zip(gradients, again[1], strict=True))


def test_a_lane_that_fails_is_told_and_the_process_keeps_its_threads() -> None:
    before = torch.get_num_threads()
    batch = Collator(0, joined=True)(examples(LENGTHS))

    def fails_on_short_parts(part: dict[str, Any]) -> torch.Tensor:
        raise MemoryError(f"{len(part['lengths'])} rows")

    try:
        torch.set_num_threads(2)
        with Lanes(2, 2) as lanes, pytest.raises(MemoryError, match="rows"):
            lanes.loss(batch, fails_on_short_parts, adapted())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_every_row_goes_to_one_lane_and_the_lanes_have_like_many_tokens() -> None:
    lengths = [30, 4, 7, 7, 12, 25, 9, 2]
    parts = balance_rows(lengths, 3)
    assert sorted(row for part in parts for row in part) == list(range(8))
    assert all(part == sorted(part) for part in parts)
    tokens = [sum(lengths[row] for row in part) for part in parts]
    assert max(tokens) - min(tokens) <= 4
    assert balance_rows([5], 3) == [[0]]


def test_a_part_holds_its_rows_as_a_batch_of_them_alone_would() -> None:
    rows, collate = examples(LENGTHS), Collator(0, joined=True)
    part, alone = part_of(collate(rows), [1, 3]), collate([rows[1], rows[3]])
    assert all(torch.equal(part[name], alone[name]) for name in ("input_ids", "labels", "position_ids", "lengths"))


@pytest.mark.parametrize(
    ("threads", "batch_size", "count"),
    [(1, 16, 1), (2, 16, 2), (2, 1, 1), (3, 16, 3), (4, 16, 4), (4, 3, 2), (6, 16, 3), (8, 16, 4), (5, 16, 1)],
)
def test_all_threads_are_shared_out_evenly(threads: int, batch_size: int, count: int) -> None:
    assert lane_count(threads, batch_size) == count
