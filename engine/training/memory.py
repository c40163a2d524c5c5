"""The memory that a training takes at its peak, estimated part by part from the model's shape and its largest batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from engine.config.recipe import PhaseRecipe
from engine.gguf.file import read_gguf
from engine.training.job import Example

_FP32 = 4
# What Python, torch, transformers, peft and TRL hold beside the training, measured with a model of 0.4 MB. On a GPU it
# is the CUDA context with its libraries, and not measured here.
_LIBRARIES = {"cpu": 640_000_000, "cuda": 600_000_000}
# What the allocator holds beyond what is asked of it, as a share of that: freed pieces between others, and buffers of
# the matrix products. Measured with SmolLM2-135M on a CPU (docs/numbers.md); on a GPU not measured here.
_ALLOCATOR = {"cpu": 0.25, "cuda": 0.1}
_ADAPTED = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
# Architectures in llama.cpp's names whose batches are packed; see engine.training.sft.block_diagonal_attention.
_PACKED = frozenset({"llama", "qwen2", "qwen3", "smollm3"})
# Longer rows than this go through attention that keeps no scores.
_SCORES_KEPT = 160


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a transformer that its memory follows from.

    `matrices` are (name, inputs, outputs) of the matrices in its blocks, `parameters` counts all values, `head` those
    of the input embedding; `keys` is the width of keys, and of values.
    """

    architecture: str
    parameters: int
    layers: int
    hidden: int
    keys: int
    feed_forward: int
    heads: int
    vocabulary: int
    matrices: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """The largest batch: its tokens, its longest row, and how many of its tokens have logits."""

    tokens: int
    longest: int
    counted: int


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """One part of the memory, in bytes."""

    name: str
    bytes: int


def read_shape(gguf: Path) -> ModelShape:
    """Return the shape of the model in a GGUF file; raises as `read_gguf` does."""
    file = read_gguf(gguf)
    architecture = file.header.architecture
    matrices = tuple(
        (parts[2], tensor.shape[1], tensor.shape[0])
        for name, tensor in file.tensors.items()
        if len(parts := name.split(".")) == 4 and parts[0] == "blk" and len(tensor.shape) == 2
    )
    widths = {name: (inputs, outputs) for name, inputs, outputs in matrices}
    embedding = file.tensors["token_embd.weight"].shape
    hidden = embedding[1]
    heads = file.header.metadata.get(f"{architecture}.attention.head_count", 1)
    return ModelShape(
        architecture=architecture,
        parameters=sum(prod(tensor.shape) for tensor in file.tensors.values()),
        layers=len({name.split(".")[1] for name in file.tensors if name.startswith("blk.")}),
        hidden=hidden,
        keys=widths.get("attn_k", (hidden, hidden))[1],
        feed_forward=widths.get("ffn_down", (4 * hidden, hidden))[0],
        heads=int(heads),
        vocabulary=embedding[0],
        matrices=matrices,
    )


def largest_batch(fed: Sequence[Example], recipe: PhaseRecipe, accumulation: int, *, packed: bool) -> LargestBatch:
    """Return the batch with the most tokens, padding among them unless `packed`, of all that `fed` is dealt into.

    `fed` is one pass, fed again and again until the steps are spent.
    """
    sizes = [(len(example.ids), example.counted) for example in fed]
    most = LargestBatch(0, 0, 0)
    for number in range(min(recipe.steps * accumulation, len(sizes))):
        start = number * recipe.batch_size
        rows = [sizes[at % len(sizes)] for at in range(start, start + recipe.batch_size)]
        longest = max(length for length, _ in rows)
        tokens = sum(length for length, _ in rows) if packed else longest * len(rows)
        most = max(
            most, LargestBatch(tokens, longest, sum(counted for _, counted in rows)), key=lambda batch: batch.tokens
        )
    return most


def is_packed(shape: ModelShape, backend: str) -> bool:
    """Return whether this model's batches are trained on without padding: by TRL, with attention that luna knows."""
    return backend == "trl" and shape.architecture in _PACKED


def memory_parts(
    shape: ModelShape,
    recipe: PhaseRecipe,
    batch: LargestBatch,
    precision: Literal["bf16", "fp32"],
    device: Literal["cpu", "cuda"],
    lanes: int,
    *,
    packed: bool,
) -> tuple[MemoryPart, ...]:
    """Return what is held at once while the gradients of the largest batch are computed.

    - weights: every value in the number format (engine.training.sft.trl_backend), in fp32 where all are trained;
    - adapter: rank · (inputs + outputs) fp32 values for each adapted matrix (Hu et al. 2021, arXiv:2106.09685, sec. 4);
    - gradients in fp32, once for each of the `lanes` and once where they are summed (engine.training.sft.lanes);
    - AdamW: two fp32 moments for each trained value (Kingma and Ba 2014, arXiv:1412.6980, algorithm 1);
    - activations: `_kept_per_token` for each token of the batch;
    - logits: fp32 of the vocabulary's size, as log-probabilities, their gradient and that of the logits, for each token
      with a loss, or for all tokens where batches are padded; in bf16 the model's own logits besides;
    - allocator and libraries: measured.
    """
    full = recipe.method == "full"
    number = 2 if precision == "bf16" else _FP32
    adapter = sum(recipe.rank * (inputs + outputs) for _, inputs, outputs in _adapted(shape, recipe))
    trained = shape.parameters if full else adapter
    activations = shape.layers * batch.tokens * _kept_per_token(shape, recipe, batch, number, packed=packed)
    with_logits = batch.counted if packed else batch.tokens
    parts = [
        MemoryPart("weights", shape.parameters * (_FP32 if full else number)),
        *([] if full else [MemoryPart("adapter", adapter * (_FP32 + (number if number < _FP32 else 0)))]),
        MemoryPart("gradients", trained * _FP32 * (lanes + 1 if lanes > 1 else 1)),
        MemoryPart("AdamW's moments", trained * _FP32 * 2),
        MemoryPart("activations", activations),
        MemoryPart("logits", with_logits * shape.vocabulary * (3 * _FP32 + (number if number < _FP32 else 0))),
    ]
    held = sum(part.bytes for part in parts)
    parts += [MemoryPart("allocator", int(held * _ALLOCATOR[device])), MemoryPart("libraries", _LIBRARIES[device])]
    return tuple(parts)


def _adapted(shape: ModelShape, recipe: PhaseRecipe) -> Iterator[tuple[str, int, int]]:
    """Yield the matrices that get an adapter; all of them where the targets are a pattern."""
    chosen = recipe.targets
    names = None if isinstance(chosen, str) else {_ADAPTED.get(name, name) for name in chosen}
    return (matrix for matrix in shape.matrices if names is None or matrix[0] in names)


def _kept_per_token(shape: ModelShape, recipe: PhaseRecipe, batch: LargestBatch, number: int, *, packed: bool) -> int:
    """Return the bytes that a block keeps of a token for its backward pass, as torch's autograd keeps them.

    In the number format: the two normed inputs, the queries, the input of the output projection, keys and values, the
    gate before and after its activation, the other half, their product, and each adapter's inner values. Where rows are
    short, the attention scores over the longest row; else keys and values repeated for every head, and the output. Both
    norms keep their input in fp32, and with full fine-tuning what they scale, too.
    """
    adapters = recipe.rank * len({name for name, _, _ in _adapted(shape, recipe)}) if recipe.method == "lora" else 0
    kept = 4 * shape.hidden + 4 * shape.feed_forward + adapters
    norms = 2 * shape.hidden * _FP32 + (2 * shape.hidden * number if recipe.method == "full" else 0)
    if packed and batch.longest <= _SCORES_KEPT:
        scores = shape.heads * batch.longest
        return number * (kept + 2 * shape.keys) + norms + scores * (_FP32 + (number if number < _FP32 else 0))
    return number * (kept + 3 * shape.hidden) + norms
