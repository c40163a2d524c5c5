"""Write a base model that is far too small and knows nothing: about 3 million random weights with the tokenizer of the
workspace's own base. It is the lowest rung in the example of `luna-tui ladder`.

    python examples/random_base.py WORKSPACE random-base

writes WORKSPACE/random-base.gguf and says what to put into luna.toml. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.config.load import load_config
from engine.core.errors import LunaError, UsageError
from engine.gguf.file import Array, GGUFFile, entry, read_gguf, write_gguf
from engine.models.base import find_base
from engine.workspace.layout import Workspace

# Widths that are multiples of 32, so that every tensor can be quantised as any other model's.
HIDDEN, LAYERS, HEADS, KV_HEADS, FEED_FORWARD, CONTEXT = 64, 2, 2, 1, 128, 2048
_SIZES = {
    "context_length": CONTEXT,
    "embedding_length": HIDDEN,
    "block_count": LAYERS,
    "feed_forward_length": FEED_FORWARD,
    "rope.dimension_count": HIDDEN // HEADS,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KV_HEADS,
}
_FLOATS = {"rope.freq_base": 10_000.0, "attention.layer_norm_rms_epsilon": 1e-5}


def write_random_base(tokenizer: Path, out: Path, seed: int) -> int:
    """Write a random llama GGUF with the tokenizer of the GGUF `tokenizer`; returns its number of parameters.

    Raises UsageError when `out` is there already or the tokenizer's file names no tokens.
    """
    if out.exists():
        raise UsageError("there is such a file already", where=str(out), hint="choose another name")
    source = read_gguf(tokenizer)
    tokens = source.header.arrays.get("tokenizer.ggml.tokens", 0)
    if not tokens:
        raise UsageError("this GGUF has no tokenizer", where=str(tokenizer))
    weights = _weights(tokens, seed)
    part = out.with_name(f"{out.name}.part")
    try:
        write_gguf(part, _entries(source, out.stem, tokens), weights, alignment=32)
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return sum(array.size for array in weights.values())


def tokenizer_of(workspace: Workspace) -> Path:
    """Return the GGUF whose tokenizer the workspace's models share: its own base's."""
    prepared = workspace.base_dir / "base.gguf"
    if prepared.exists():
        return prepared
    kind, path = find_base(load_config(workspace.root).model.base, workspace)
    if kind == "hf":
        raise UsageError(
            "this base is a Hugging Face directory that was not converted yet",
            where=str(path),
            hint="train one generation first (luna-tui train), which converts it",
        )
    return path


def _entries(source: GGUFFile, name: str, tokens: int) -> list[bytes]:
    tokenizer = [data for key, data in source.entries.items() if key.startswith("tokenizer.")]
    return [
        entry("general.architecture", "llama"),
        entry("general.name", name),
        *(entry(f"llama.{key}", value) for key, value in _SIZES.items()),
        *(_float_entry(f"llama.{key}", value) for key, value in _FLOATS.items()),
        entry("llama.vocab_size", tokens),
        *tokenizer,
    ]


def _float_entry(key: str, value: float) -> bytes:
    name = key.encode()
    return struct.pack("<Q", len(name)) + name + struct.pack("<If", 6, value)


def _weights(tokens: int, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    kv = HIDDEN // HEADS * KV_HEADS

    def matrix(rows: int, columns: int) -> Array:
        return (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    weights = {"token_embd.weight": matrix(tokens, HIDDEN)}
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        weights |= {
            f"{block}attn_norm.weight": np.ones(HIDDEN, np.float32),
            f"{block}attn_q.weight": matrix(HIDDEN, HIDDEN),
            f"{block}attn_k.weight": matrix(kv, HIDDEN),
            f"{block}attn_v.weight": matrix(kv, HIDDEN),
            f"{block}attn_output.weight": matrix(HIDDEN, HIDDEN),
            f"{block}ffn_norm.weight": np.ones(HIDDEN, np.float32),
            f"{block}ffn_gate.weight": matrix(FEED_FORWARD, HIDDEN),
            f"{block}ffn_up.weight": matrix(FEED_FORWARD, HIDDEN),
            f"{block}ffn_down.weight": matrix(HIDDEN, FEED_FORWARD),
        }
    weights["output_norm.weight"] = np.ones(HIDDEN, np.float32)
    return weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit code."""
    parser = argparse.ArgumentParser(
        description="Write a random base model of about 3 million parameters, with the tokenizer of a workspace's base."
    )
    parser.add_argument("workspace", type=Path, help="a workspace, such as luna-tui init makes")
    parser.add_argument("name", help="what to call it, for example random-base")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other weights")
    given = parser.parse_args(arguments)
    try:
        workspace = Workspace.open(given.workspace)
        out = workspace.root / f"{given.name.removesuffix('.gguf')}.gguf"
        count = write_random_base(tokenizer_of(workspace), out, given.seed)
        base = load_config(workspace.root).model.base
    except LunaError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"wrote {out}, {count:,} random weights; in luna.toml, [model]:")
    print(f'ladder = ["{out.relative_to(workspace.root).as_posix()}", "{base}"]')
    return 0


if __name__ == "__main__":
    sys.exit(main())
