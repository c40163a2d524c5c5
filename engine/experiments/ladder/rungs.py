"""The rungs of the ladder: base models from small to large, validated before anything is trained."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import cast

from engine.config.config import Config
from engine.core.errors import Damaged, LunaError, RuntimeChildError, UsageError
from engine.evaluation.context_check import exam_window
from engine.models.base import find_base
from engine.runtime.client import Runtime
from engine.workspace.base_record import Kind
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file, sha256_text
from probes.challenge import Card

_WHERE = "luna.toml [model] ladder"
_EXAMPLE = 'write two or more bases, from small to big: ladder = ["small.gguf", "smollm2-135m"]'
_MAX_HEADER = 100_000_000  # the format's own limit


@dataclass(frozen=True, slots=True)
class Rung:
    """A base model to try: its name in luna.toml, its folder below `ladder/`, its location, and its parameter count."""

    name: str
    folder: str
    kind: Kind
    source: Path
    parameters: int

    def sha(self) -> str:
        """Return the SHA-256 of the weights, by which a rung is recognised as the same model."""
        if self.kind != "hf":
            return sha256_file(self.source)
        from engine.gguf.weights import weight_files

        return sha256_text(" ".join(sha256_file(file) for file in weight_files(self.source)))


def read_rungs(workspace: Workspace, config: Config) -> list[Rung]:
    """Return the configured rungs, the smallest first.

    Raises UsageError when there are fewer than two, when two are the same model, or naming the one that cannot be found
    or read.
    """
    names = config.model.ladder
    if len(names) < 2:
        raise UsageError(f"a ladder of {_rungs(len(names))} leads nowhere", where=_WHERE, hint=_EXAMPLE)
    rungs: list[Rung] = []
    for name in names:
        kind, source, parameters = _look(name, workspace)
        twin = next((rung for rung in rungs if rung.name == name or rung.source.samefile(source)), None)
        if twin is not None:
            raise UsageError(f"the rungs {twin.name!r} and {name!r} are the same model", where=_WHERE, hint=_EXAMPLE)
        folder = folder_of(name)
        if any(rung.folder == folder for rung in rungs):
            folder = f"{folder}-{sha256_text(name)[:6]}"
        rungs.append(Rung(name, folder, kind, source, parameters))
    return sorted(rungs, key=lambda rung: rung.parameters)


def folder_of(name: str) -> str:
    """Return a folder name for a rung: the last part of its path or hub id, in plain characters."""
    last = name.rstrip("/").rsplit("/", 1)[-1]
    plain = re.sub(r"[^a-z0-9._-]+", "-", last.lower().removesuffix(".gguf")).strip("-.")
    return plain[:60] or "rung"


def require_loadable(rungs: Sequence[Rung], cards: Sequence[Card], config: Config, log: Path | None) -> None:
    """Raise UsageError naming the rung that llama.cpp cannot load, or the card whose prompt is too long for a rung.

    Rungs that are Hugging Face directories have no GGUF yet and are not checked.
    """
    with Runtime(log=log) as runtime:
        for rung in rungs:
            if rung.kind == "hf":
                continue
            try:
                runtime.load(rung.source, n_ctx=64, n_parallel=1)
                lengths = [len(ids) for ids in runtime.tokenize([card.prompt for card in cards])]
            except RuntimeChildError as error:
                raise _unusable(rung.name, error) from error
            for card, length in zip(cards, lengths, strict=True):
                if length + card.max_tokens > exam_window(config):
                    raise UsageError(
                        f"the prompt of the card {card.id!r} has {length} tokens, and cards are asked in "
                        f"{exam_window(config)} together with their answer",
                        where=f"rung {rung.name!r}",
                        hint="shorten the card, or raise [model] context in luna.toml",
                    )


def _look(name: str, workspace: Workspace) -> tuple[Kind, Path, int]:
    try:
        kind, source = find_base(name, workspace)
        return kind, source, _hf_parameters(source) if kind == "hf" else gguf_parameters(source)
    except (LunaError, OSError) as error:
        raise _unusable(name, error) from error


def gguf_parameters(path: Path) -> int:
    """Return the number of parameters in a GGUF's tensors; raises what `check_gguf` raises."""
    from engine.gguf.file import read_gguf

    return sum(prod(tensor.shape) for tensor in read_gguf(path).tensors.values())


def _hf_parameters(directory: Path) -> int:
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there is no config.json in it", where=str(directory)) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"its config.json cannot be read: {error}", where=str(directory)) from error
    if not isinstance(config, dict) or "model_type" not in config:
        raise UsageError("its config.json names no model_type", where=str(directory))
    from engine.gguf.weights import weight_files

    return sum(_safetensors_parameters(file) for file in weight_files(directory))


def _safetensors_parameters(path: Path) -> int:
    """Return the number of parameters in a safetensors file, read from its header.

    The header is a little-endian u64, then JSON of that length. Raises Damaged when it is malformed.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_MAX_HEADER, path.stat().st_size):
                raise ValueError("its header does not fit into it")
            header = cast("dict[str, dict[str, list[int]]]", json.loads(file.read(length)))
        return sum(prod(facts["shape"]) for name, facts in header.items() if name != "__metadata__")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(path)) from error


def _unusable(name: str, error: Exception) -> UsageError:
    told = error if isinstance(error, LunaError) else LunaError(str(error))
    what = told.title if told.where in ("", "luna.toml [model] base") else f"{told.where}: {told.title}"
    return UsageError(
        f"the rung {name!r} cannot be used: {what}",
        where=_WHERE,
        hint=told.hint or "leave it out of the ladder, or put another base in its place",
    )


def _rungs(count: int) -> str:
    return "one rung" if count == 1 else f"{count} rungs"
