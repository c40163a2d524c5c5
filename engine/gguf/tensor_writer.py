"""Graft: write a child's weights into a GGUF that keeps its base's metadata and tokenizer unchanged.

Only the tensors and a few lineage facts are new, so the base and the child are evaluated with the same tokenizer. The
F32 file written here is then quantised by llama.cpp itself. Nothing in it depends on when or where it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch

from engine.core.errors import LunaError, UsageError
from engine.gguf.file import ADD_EOS, Array, GGUFFile, entry, read_gguf, write_gguf
from engine.gguf.weights import Weights

# Tables such as rope_freqs belong to the architecture and are not trained: they come from the base.
_TABLES = "rope_"
# Architectures whose query and key rows llama.cpp stores in the order of interleaved rotary positions.
_INTERLEAVED = ("llama", "smollm3")
# Rewritten here or by llama.cpp's quantiser, or not wanted: a chat template has no place in a raw-prompt file.
_DROPPED = (
    "general.architecture",
    "general.name",
    "general.file_type",
    "general.quantization_version",
    "tokenizer.chat_template",
    "luna.",
)
_UNQUANTISED = (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16)


@dataclass(frozen=True, slots=True)
class LineageFacts:
    """The lineage metadata of a GGUF; all of it follows from the inputs, none of it from the clock."""

    gen: int
    parent_sha: str
    base_sha: str
    data_delta_sha: str

    def metadata(self) -> dict[str, str | int]:
        """Return the facts as GGUF metadata keys and values."""
        return {
            "luna.generation": self.gen,
            "luna.parent_sha": self.parent_sha,
            "luna.base_sha": self.base_sha,
            "luna.data_delta_sha": self.data_delta_sha,
        }


def write_graft(
    base_gguf: Path, weights: Weights, out: Path, facts: LineageFacts | None, *, keep_add_eos: bool = False
) -> None:
    """Write `weights` (HF names, fp32) as an F32 GGUF at `out`, with the metadata of the base.

    The base's chat template is left out, and its flag to append EOS to prompts is cleared unless `keep_add_eos`. Raises
    UsageError when the GGUF writer does not know the architecture or the metadata lacks its block or head count, and
    LunaError when a tensor is missing, unexpected or of another shape.
    """
    base = read_gguf(base_gguf)
    _write(base, to_gguf_tensors(base, weights), out, facts, keep_add_eos)


def write_graft_of_gguf(
    base_gguf: Path, tensors_gguf: Path, out: Path, facts: LineageFacts | None, *, keep_add_eos: bool = False
) -> None:
    """Write a graft like `write_graft`, with the tensors of another GGUF of the same model instead of HF weights.

    The other GGUF is the output of llama.cpp's converter. Raises LunaError when a tensor is missing, unexpected or of
    another shape.
    """
    source = read_gguf(tensors_gguf)
    _write(
        read_gguf(base_gguf), {name: t.dequantized() for name, t in source.tensors.items()}, out, facts, keep_add_eos
    )


def adds_eos(base_gguf: Path) -> bool:
    """Return whether a GGUF's metadata asks other programs to append EOS to every prompt."""
    return bool(read_gguf(base_gguf).header.metadata.get(ADD_EOS))


def _write(
    base: GGUFFile, tensors: Mapping[str, Array], out: Path, facts: LineageFacts | None, keep_add_eos: bool
) -> None:
    # Only a flag that is set is rewritten: all other files keep the same bytes as before, so that they can be rebuilt.
    overrides = {} if keep_add_eos or not base.header.metadata.get(ADD_EOS) else {ADD_EOS: entry(ADD_EOS, False)}
    entries = [
        entry("general.architecture", base.header.architecture),
        entry("general.name", f"luna G{facts.gen}" if facts else "luna base"),
        *(overrides.get(key, data) for key, data in base.entries.items() if not key.startswith(_DROPPED)),
        *(entry(key, value) for key, value in (facts.metadata() if facts else {}).items()),
    ]
    foreign = sorted(tensors.keys() - base.tensors.keys())
    if foreign:
        raise LunaError(f"the base GGUF has no tensor {foreign[0]}", where=base.header.architecture)
    grafted: dict[str, Array] = {}
    for name, old in base.tensors.items():
        if name not in tensors and not name.startswith(_TABLES):
            raise LunaError(f"the new weights have no {name}", where=base.header.architecture)
        grafted[name] = tensors[name] if name in tensors else old.dequantized()
        if grafted[name].shape != old.shape:
            raise LunaError(f"{name} is {grafted[name].shape}, in the base {old.shape}", where=base.header.architecture)
    write_gguf(out, entries, grafted, base.alignment)


def graft_differs(base_gguf: Path, weights: Weights) -> list[str]:
    """Return the tensors in which a graft of the base's own weights differs from the base, [] when the graft is exact.

    The comparison is bit for bit: with the de-quantised tensors of a quantised base, else after rounding to the file's
    own type.
    """
    base = read_gguf(base_gguf)
    tensors = to_gguf_tensors(base, weights)
    wrong: list[str] = []
    for name, tensor in base.tensors.items():
        if name not in tensors:
            if not name.startswith(_TABLES):
                wrong.append(name)
            continue
        ours, expected = tensors[name], tensor.dequantized()
        if tensor.kind in _UNQUANTISED:
            ours = gguf.quants.dequantize(gguf.quants.quantize(ours, tensor.kind), tensor.kind).astype(np.float32)
        if expected.shape != ours.shape or not np.array_equal(expected.view(np.uint32), ours.view(np.uint32)):
            wrong.append(name)
    return wrong


def to_gguf_tensors(base: GGUFFile, weights: Weights) -> dict[str, Array]:
    """Return `weights` under their GGUF names, query and key rows permuted where llama.cpp stores them interleaved.

    Raises UsageError when the GGUF writer does not know the architecture or the metadata lacks its block or head count,
    and LunaError for a tensor that has no GGUF name or is not in the base.
    """
    architecture = base.header.architecture
    arch = next((a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture), None)
    if arch is None:
        raise UsageError(
            f"the architecture {architecture!r} is not known to this version's GGUF writer",
            hint="choose another base in luna.toml [model] base",
        )
    names = gguf.get_tensor_name_map(arch, _number(base, f"{architecture}.block_count"))
    heads = _number(base, f"{architecture}.attention.head_count")
    kv_heads = _number(base, f"{architecture}.attention.head_count_kv", default=heads)
    tensors: dict[str, Array] = {}
    for hf_name, tensor in weights.items():
        name = names.get_name(hf_name, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise LunaError(f"no GGUF name for the tensor {hf_name}", where=architecture)
        if name not in base.tensors:
            if name == "output.weight":
                continue  # tied to the embedding in the base, so the file has no room for it
            raise LunaError(f"the base GGUF has no tensor {name}", where=architecture)
        array = tensor.detach().to("cpu", torch.float32).numpy()
        if architecture in _INTERLEAVED:
            if hf_name.endswith(("q_proj.weight", "q_proj.bias")):
                array = _permute(array, heads)
            elif hf_name.endswith(("k_proj.weight", "k_proj.bias")):
                array = _permute(array, kv_heads)
        tensors[name] = np.ascontiguousarray(array)
    return tensors


def _permute(array: Array, heads: int) -> Array:
    """Reorder rows from HF's half-split rotary layout to llama.cpp's interleaved one."""
    half = array.shape[0] // heads // 2
    return array.reshape(heads, 2, half, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def _number(base: GGUFFile, key: str, default: int | None = None) -> int:
    value = base.header.metadata.get(key, default)
    if isinstance(value, int):
        return value
    raise UsageError(f"the GGUF's metadata has no single number under {key}", hint="this architecture is not supported")
