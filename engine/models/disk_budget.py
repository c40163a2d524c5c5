"""The disk space the next generation needs, and a clear error before it runs out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from engine.config.recipe import Method
from engine.core.disk import GIB, free_bytes
from engine.core.errors import LunaError
from engine.models.base import BaseModel
from engine.workspace.layout import Workspace

RESERVE_BYTES = 200 * 1024**2


@dataclass(frozen=True, slots=True)
class SpaceNeeded:
    """The bytes a generation needs at its peak, by purpose."""

    weights_cache: int
    checkpoints: int
    float_gguf: int
    gguf: int
    delta: int

    @property
    def total(self) -> int:
        """Return the sum, with a reserve for journals and evidence."""
        return self.weights_cache + self.checkpoints + self.float_gguf + self.gguf + self.delta + RESERVE_BYTES


def space_needed(weights_bytes: int, method: Method) -> SpaceNeeded:
    """Estimate a generation's peak from the size of its fp32 weights: two checkpoints, an F32 and a shipped GGUF."""
    share = 1.0 if method == "full" else 0.08  # an adapter of rank 32 on every linear layer is 7 % of a 135 M model
    delta = int(weights_bytes * share)
    return SpaceNeeded(
        weights_cache=weights_bytes,
        checkpoints=2 * 3 * delta,  # the trained values and Adam's two moments
        float_gguf=weights_bytes,
        gguf=weights_bytes // 3,
        delta=delta,
    )


def require_space(workspace: Workspace, base: BaseModel, method: Method) -> None:
    """Raise LunaError, with the free and needed space, when the disk cannot hold the next generation."""
    weights = sum(f.stat().st_size for f in base.weights.glob("*.safetensors"))
    needed = space_needed(weights, method).total
    free = free_bytes(workspace.root)
    if free < needed:
        raise LunaError(
            f"not enough disk for a generation: {free / GIB:.1f} GiB free, about {needed / GIB:.1f} GiB needed",
            where=str(workspace.root),
            hint="make room (luna-tui gc shows what this workspace can spare), then train again",
        )


def disk_needed(workspace: Workspace) -> int | None:
    """Return the bytes the next generation needs, from this lineage's largest cached weights; None without any.

    Never raises: files that are renamed or deleted meanwhile are skipped.
    """
    sizes: list[int] = []
    with contextlib.suppress(OSError):  # a folder that is renamed or dropped while it is listed
        for file in workspace.weights_cache.glob("*/*.safetensors"):
            with contextlib.suppress(OSError):
                sizes.append(file.stat().st_size)
    return space_needed(max(sizes), "lora").total if sizes else None
