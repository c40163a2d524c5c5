"""Full-precision weights: the base in fp32, and every generation as `parent + delta`, rebuilt bit for bit.

A LoRA delta adds `scale · B · A` to each adapted matrix (Hu et al. 2021, arXiv:2106.09685, eq. 3). The product and the
sum are computed in fp64 and rounded once to fp32, eight digits above what the order of summation could change.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.core.errors import Damaged, UsageError
from ledger.durable import make_durable

Weights = dict[str, torch.Tensor]

WEIGHTS_FILE = "model.safetensors"
DELTA_FILE = "delta.safetensors"


def load_weights(directory: Path) -> Weights:
    """Return all tensors of a Hugging Face directory in fp32, keyed by parameter name, with shards merged.

    Raises Damaged when a file cannot be read, UsageError when there are no safetensors or a tensor is not a float of at
    least 16 bits.
    """
    weights: Weights = {}
    for file in weight_files(directory):
        weights.update(_read(file))
    for name, tensor in weights.items():
        if not tensor.dtype.is_floating_point or tensor.dtype.itemsize < 2:
            raise UsageError(
                f"the tensor {name} is stored as {tensor.dtype}, quantised or not a weight",
                where=str(directory),
                hint="use a model saved in fp32, fp16 or bf16",
            )
    return {name: tensor.to(torch.float32) for name, tensor in weights.items()}


def weight_files(directory: Path) -> list[Path]:
    """Return a directory's weight files: those its index lists, else model.safetensors, else all safetensors files.

    Raises UsageError when there are none, and Damaged when the index cannot be read or lists a missing file.
    """
    index, single = directory / f"{WEIGHTS_FILE}.index.json", directory / WEIGHTS_FILE
    if index.exists():
        try:
            names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        except (ValueError, KeyError, AttributeError) as error:
            raise Damaged(f"cannot be read: {error}", where=str(index)) from error
        files = [directory / str(name) for name in names]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise Damaged(f"{missing[0]}, which the index names, is missing", where=str(directory))
        return files
    files = [single] if single.exists() else sorted(directory.glob("*.safetensors"))
    if not files:
        raise UsageError(
            "no *.safetensors in this model directory",
            where=str(directory),
            hint="save the model with save_pretrained(safe_serialization=True)",
        )
    return files


def tensor_names(directory: Path) -> set[str]:
    """Return the names of all tensors of a Hugging Face directory, without reading their data.

    Raises as `weight_files` does.
    """
    names: set[str] = set()
    for file in weight_files(directory):
        with safe_open(file, framework="pt") as opened:
            names.update(opened.keys())
    return names


def save_weights(weights: Weights, directory: Path, config_from: Path) -> None:
    """Write fp32 weights as a Hugging Face directory, with the config and tokenizer files of `config_from`.

    The directory appears complete or not at all.
    """
    building = directory.with_name(directory.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for file in config_from.iterdir():
        if file.is_file() and file.suffix in {".json", ".model", ".txt"} and not file.name.endswith(".index.json"):
            shutil.copyfile(file, building / file.name)
    write_weights(weights, building / WEIGHTS_FILE)
    shutil.rmtree(directory, ignore_errors=True)
    building.rename(directory)


def write_weights(weights: Weights, path: Path) -> None:
    """Write tensors durably as a safetensors file that transformers can load."""
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path, metadata={"format": "pt"})
    make_durable(path)


def save_lora_delta(path: Path, modules: dict[str, tuple[torch.Tensor, torch.Tensor]], scale: float) -> None:
    """Write a LoRA delta: per module `A` (rank × in) and `B` (out × rank) in fp32, and the scale of their product."""
    tensors: Weights = {}
    for name, (a, b) in sorted(modules.items()):
        tensors[f"{name}.lora_A"] = a.detach().to("cpu", torch.float32).contiguous()
        tensors[f"{name}.lora_B"] = b.detach().to("cpu", torch.float32).contiguous()
    save_file(tensors, path, metadata={"luna": json.dumps({"kind": "lora", "scale": scale}, sort_keys=True)})


def save_full_delta(path: Path, weights: Weights) -> None:
    """Write the delta of full fine-tuning: every tensor of the child in fp32, exactly as trained."""
    tensors = {name: t.detach().to("cpu", torch.float32).contiguous() for name, t in sorted(weights.items())}
    save_file(tensors, path, metadata={"luna": json.dumps({"kind": "full"}, sort_keys=True)})


def scale_delta(path: Path, share: float, parent: Weights, out: Path) -> None:
    """Write a delta that applies `share` times the change of another: child = parent + share · change.

    Interpolation of weights as in WiSE-FT (Wortsman et al. 2022, arXiv:2109.01903, eq. 1). Raises Damaged when the
    delta at `path` cannot be read or does not fit the parent.
    """
    info = _delta_info(path)
    if info["kind"] == "lora":
        metadata = {"luna": json.dumps({"kind": "lora", "scale": share * info["scale"]}, sort_keys=True)}
        save_file(_read(path), out, metadata=metadata)
        return
    child = apply_delta(parent, path)
    save_full_delta(out, {name: parent[name] + share * (tensor - parent[name]) for name, tensor in child.items()})


def apply_delta(weights: Weights, path: Path) -> Weights:
    """Return the child's fp32 weights from its parent's and the delta at `path`; `weights` itself is not changed.

    Raises Damaged when the delta cannot be read or does not fit the weights.
    """
    tensors = _read(path)
    info = _delta_info(path)
    if info["kind"] == "full":
        _check_full(weights, tensors, path)
        return tensors
    child = dict(weights)
    for name in sorted({key.rsplit(".lora_", 1)[0] for key in tensors}):
        target = f"{name}.weight"
        a, b = tensors.get(f"{name}.lora_A"), tensors.get(f"{name}.lora_B")
        if target not in child:
            raise Damaged(f"the delta changes {target}, which the model does not have", where=str(path))
        if a is None or b is None or a.ndim != 2 or b.shape != (child[target].shape[0], a.shape[0]):
            raise Damaged(f"the delta's matrices for {target} do not fit each other or the model", where=str(path))
        if a.shape[1:] != child[target].shape[1:]:
            raise Damaged(f"the delta for {target} does not fit the model", where=str(path))
        child[target] = (child[target].double() + info["scale"] * (b.double() @ a.double())).float()
    return child


def rebuild(base: Weights, deltas: Iterable[Path]) -> Weights:
    """Return `base + Σ deltas` in fp32, applied oldest first; raises Damaged as `apply_delta` does."""
    weights = base
    for delta in deltas:
        weights = apply_delta(weights, delta)
    return weights


def _check_full(weights: Weights, tensors: Weights, path: Path) -> None:
    """Raise Damaged unless a full delta replaces every tensor; only a tied output matrix may be absent."""
    absent = weights.keys() - tensors.keys() - {"lm_head.weight"}
    wrong = sorted(absent | {n for n, t in tensors.items() if n not in weights or weights[n].shape != t.shape})
    if wrong:
        raise Damaged(f"the delta does not fit the model: {wrong[0]} differs", where=str(path))


def _delta_info(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    try:
        info = dict(json.loads(metadata["luna"]))
        return info if info["kind"] == "full" else {"kind": "lora", "scale": float(info["scale"])}
    except (KeyError, ValueError, TypeError) as error:
        raise Damaged("this delta does not say what kind it is", where=str(path)) from error


def _read(path: Path) -> Weights:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping
    except Exception as error:
        raise Damaged(f"cannot be read: {error}", where=str(path)) from error
