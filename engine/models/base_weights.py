"""The fp32 weights of a base: made once from its GGUF or its Hugging Face files, cached for all workspaces.

The cache is keyed by the SHA-256 of what the weights follow from. A directory counts only with its `complete.json`,
which is written last and says how a child of this base is exported: by graft, or by llama.cpp's converter.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import platformdirs

from engine.core.errors import Damaged, LunaError, UsageError, cannot_write
from ledger.durable import make_durable, write_durable
from ledger.locking import exclusive
from probes.base import ProgressCallback

ExportWay = Literal["graft", "converter"]

_COMPLETE = "complete.json"


def weights_dir_of(sha: str) -> Path:
    """Return the directory, existing or not, of the weights of the base with this SHA-256.

    It is below `LUNA_CACHE`, else below the user's cache directory.
    """
    root = os.environ.get("LUNA_CACHE") or platformdirs.user_cache_dir("luna-tui", appauthor=False)
    return Path(root) / "base" / sha[:32]


def are_complete(weights: Path) -> bool:
    """Return whether the weights directory was written to its end."""
    return (weights / _COMPLETE).exists()


def export_way(weights: Path) -> ExportWay:
    """Return how children of this base are written as GGUF; raises Damaged when that is not recorded."""
    try:
        way = json.loads((weights / _COMPLETE).read_text())["export"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"the base's weights are not complete: {error}",
            where=str(weights),
            hint="delete this directory: it is made again from the base",
        ) from error
    return "graft" if way == "graft" else "converter"


def make_weights(kind: str, source: Path, gguf: Path, weights: Path, report: ProgressCallback) -> None:
    """Write the weights directory and check that grafting the weights back gives the base itself.

    A Hugging Face base that fails the check is exported by llama.cpp's converter instead. Raises UsageError for a GGUF
    that cannot be de-quantised or cannot be written back exactly.
    """
    from engine.gguf.dequantize import weights_from_gguf, weights_from_hf
    from engine.gguf.tensor_writer import graft_differs
    from engine.gguf.weights import load_weights

    report(2, 3, "reading the base in full precision" if kind == "hf" else "de-quantising the base to full precision")
    if kind == "hf":
        weights_from_hf(source, weights)
    else:
        weights_from_gguf(gguf, weights)
    report(2, 3, "checking the export against the base")
    try:
        wrong = graft_differs(gguf, load_weights(weights))
        reason = f"{len(wrong)} tensors differ, the first is {wrong[0]}" if wrong else ""
    except LunaError as error:
        reason = str(error)
    if reason and kind != "hf":
        shutil.rmtree(weights, ignore_errors=True)
        raise UsageError(
            f"this GGUF's architecture cannot be written back exactly: {reason}",
            where=str(source),
            hint="use the model's Hugging Face directory as base instead; it is exported by llama.cpp's own converter",
        )
    make_durable(weights)
    facts = {"export": "converter" if reason else "graft", "why": reason}
    write_durable(weights / _COMPLETE, (json.dumps(facts) + "\n").encode())


@contextmanager
def alone(lock: Path) -> Generator[None]:
    """Wait for the file lock `lock` and hold it: two processes must not make the same files at once.

    Raises LunaError where it cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise cannot_write(error, lock.parent, "the base model is made ready there") from error
    try:
        with exclusive(lock, descriptor):
            yield
    finally:
        os.close(descriptor)
