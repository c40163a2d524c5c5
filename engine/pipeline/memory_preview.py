"""The memory that a training which was decided on would take, beside what is free and what one took before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.config.config import Config
from engine.core.cpu import default_threads
from engine.core.events import MemoryMeasured
from engine.core.journal import read_journal
from engine.models.base import BaseModel
from engine.pipeline.request import TrainRequest
from engine.pipeline.steps.decide import Preparation
from engine.training.backends import resolve_backend
from engine.training.memory import LargestBatch, MemoryPart, is_packed, largest_batch, memory_parts, read_shape
from engine.training.provenance import arithmetic
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run


@dataclass(frozen=True, slots=True)
class MemoryPreview:
    """The parts of the memory at its peak, in bytes, for the largest batch; `free` is what is left on the device now.

    `measured` is what the generation `measured_in` took on such a machine; both are None where none was measured, and
    `free` where it cannot be read.
    """

    parts: tuple[MemoryPart, ...]
    batch: LargestBatch
    precision: str
    device: Literal["cpu", "cuda"]
    free: int | None
    measured: int | None
    measured_in: int | None

    @property
    def total(self) -> int:
        """Return the sum of the parts."""
        return sum(part.bytes for part in self.parts)

    @property
    def fits(self) -> bool:
        """Return whether that much is free, or whether it is not known."""
        return self.free is None or self.total <= self.free

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return {**asdict(self), "total": self.total, "fits": self.fits}


def memory_preview(
    workspace: Workspace, config: Config, request: TrainRequest, base: BaseModel, made: Preparation
) -> MemoryPreview:
    """Estimate the memory of a training and look up what the newest one on such a machine took."""
    import torch  # takes seconds to import

    from engine.training.device import resolve_precision
    from engine.training.sft.lanes import lane_count

    recipe, device = made.recipe, "cuda" if torch.cuda.is_available() else "cpu"
    shape = read_shape(base.gguf)
    packed = is_packed(shape, resolve_backend(request.backend or config.train.backend))
    batch = largest_batch(made.fed, recipe, made.accumulation, packed=packed)
    precision = resolve_precision(recipe.precision)
    in_lanes = packed and recipe.method == "lora" and device == "cpu"
    lanes = lane_count(config.train.threads or default_threads(), recipe.batch_size) if in_lanes else 1
    measured, gen = _measured(workspace, made)
    return MemoryPreview(
        parts=memory_parts(shape, recipe, batch, precision, device, lanes, packed=packed),
        batch=batch,
        precision=precision,
        device=device,
        free=_free(workspace, device),
        measured=measured,
        measured_in=gen,
    )


def _measured(workspace: Workspace, made: Preparation) -> tuple[int | None, int | None]:
    """Return the newest measured peak of a machine that computes as this one, and its generation."""
    machine = arithmetic(made.recipe.precision)
    for gen in reversed(range(made.gen)):
        manifest = workspace.manifest(gen)
        if manifest is None or any(manifest.versions.get(name) != value for name, value in machine.items()):
            continue
        journal = Run.at(workspace, str(manifest.extra.get("run_id", ""))).journal
        events = read_journal(journal) if journal.is_file() else ()
        peaks = [event.peak_bytes for event in events if isinstance(event, MemoryMeasured)]
        if peaks:
            return max(peaks), gen
    return None, None


def _free(workspace: Workspace, device: Literal["cpu", "cuda"]) -> int | None:
    from engine.diagnostics.resource_monitor import ResourceMonitor

    sample = ResourceMonitor(workspace.root).sample()
    if device == "cuda":
        gpu = sample.gpus[0] if sample.gpus else None
        if gpu is None or gpu.memory_total is None or gpu.memory_used is None:
            return None
        return gpu.memory_total - gpu.memory_used
    return None if sample.ram_total is None or sample.ram_used is None else sample.ram_total - sample.ram_used
