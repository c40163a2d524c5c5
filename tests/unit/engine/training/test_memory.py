"""The memory estimate follows the model's shape, the batch and the recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from tiny_models import FEED_FORWARD, HEADS, HIDDEN, KV_HEADS, LAYERS, make_tiny_gguf

from engine.config.load import load_config
from engine.config.recipe import PhaseRecipe
from engine.training.job import IGNORED, Example
from engine.training.memory import LargestBatch, ModelShape, is_packed, largest_batch, memory_parts, read_shape
from engine.training.memory_peak import begin_peak, peak_bytes

KEYS = HIDDEN // HEADS * KV_HEADS


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> ModelShape:
    return read_shape(make_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf"))


@pytest.fixture
def recipe(tmp_path: Path) -> PhaseRecipe:
    (tmp_path / "luna.toml").write_text('[train]\nrank = 4\nbatch_size = 2\n[model]\nbase = "base.gguf"\n')
    return load_config(tmp_path, {}, env={}).recipe("base")


def example(length: int, counted: int = 1) -> Example:
    labels = (IGNORED,) * (length - counted) + (1,) * counted
    return Example(f"{length:064x}", (1,) * length, labels, "facts")


def parts(
    shape: ModelShape,
    recipe: PhaseRecipe,
    batch: LargestBatch,
    *,
    precision: Literal["bf16", "fp32"] = "fp32",
    lanes: int = 1,
) -> dict[str, int]:
    found = memory_parts(shape, recipe, batch, precision, "cpu", lanes, packed=True)
    return {part.name: part.bytes for part in found}


def test_the_shape_is_read_from_the_file(shape: ModelShape) -> None:
    assert (shape.layers, shape.hidden, shape.heads, shape.keys) == (LAYERS, HIDDEN, HEADS, KEYS)
    assert (shape.feed_forward, shape.vocabulary, shape.architecture) == (FEED_FORWARD, 512, "llama")
    assert len(shape.matrices) == 7 * LAYERS
    assert ("attn_k", HIDDEN, KEYS) in shape.matrices
    assert ("ffn_down", FEED_FORWARD, HIDDEN) in shape.matrices


def test_the_largest_batch_is_found_across_the_end_of_a_pass(recipe: PhaseRecipe) -> None:
    fed = [example(30, 20), example(3), example(40, 5)]
    assert largest_batch(fed, recipe, 1, packed=True) == LargestBatch(70, 40, 25)
    assert largest_batch(fed, recipe, 1, packed=False) == LargestBatch(80, 40, 25)
    assert largest_batch(fed, replace(recipe, steps=1), 1, packed=True) == LargestBatch(33, 30, 21)


def test_an_adapter_is_small_beside_training_everything(shape: ModelShape, recipe: PhaseRecipe) -> None:
    batch = LargestBatch(100, 20, 50)
    lora, full = parts(shape, recipe, batch), parts(shape, replace(recipe, method="full"), batch)
    values = sum(4 * (inputs + outputs) for _, inputs, outputs in shape.matrices)
    assert (lora["weights"], lora["adapter"]) == (shape.parameters * 4, values * 4)
    assert (lora["gradients"], lora["AdamW's moments"]) == (values * 4, values * 8)
    assert full["AdamW's moments"] == shape.parameters * 8
    assert "adapter" not in full
    chosen = parts(shape, replace(recipe, targets=("q_proj", "v_proj")), batch)
    assert chosen["adapter"] == LAYERS * 4 * 4 * (HIDDEN + HIDDEN + HIDDEN + KEYS)


def test_what_grows_with_the_batch_are_activations_and_logits(shape: ModelShape, recipe: PhaseRecipe) -> None:
    one, two = parts(shape, recipe, LargestBatch(100, 20, 50)), parts(shape, recipe, LargestBatch(200, 20, 100))
    assert {name for name in one if one[name] != two[name]} == {"activations", "logits", "allocator"}
    assert two["activations"] == 2 * one["activations"]
    assert one["logits"] == 50 * 512 * 12


def test_half_of_the_bits_take_less_and_lanes_take_more(shape: ModelShape, recipe: PhaseRecipe) -> None:
    batch = LargestBatch(100, 20, 50)
    whole, half = parts(shape, recipe, batch), parts(shape, recipe, batch, precision="bf16")
    assert half["weights"] * 2 == whole["weights"]
    assert whole["activations"] / 2 < half["activations"] < whole["activations"]
    assert parts(shape, recipe, batch, lanes=2)["gradients"] == 3 * whole["gradients"]


def test_only_attention_that_luna_knows_is_packed(shape: ModelShape) -> None:
    assert is_packed(shape, "trl")
    assert not is_packed(shape, "unsloth")
    assert not is_packed(replace(shape, architecture="gpt2"), "trl")


def test_the_peak_of_this_process_is_measured() -> None:
    if not begin_peak():
        pytest.skip("the system does not forget a peak")
    before = peak_bytes()
    block = bytearray(b"x") * 50_000_000
    after = peak_bytes()
    assert before is not None
    assert after is not None
    assert after - before > 0.8 * len(block)
