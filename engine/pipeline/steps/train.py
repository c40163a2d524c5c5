"""The train step: from the parent's full-precision weights to a delta, on the ids of the runtime's tokenizer."""

from __future__ import annotations

import gc
import shutil
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import Damaged, Interrupted
from engine.core.events import MemoryMeasured
from engine.models.lineage_weights import weights_dir
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.steps.encode import encode_passes, train_rows, voice_plan
from engine.training.batch_log import read_losses, start_end_losses
from engine.training.checkpoint import newest_sealed, step_of
from engine.training.job import TrainJob
from engine.training.memory_peak import begin_peak, peak_bytes
from engine.workspace.runs import Run


def release_failed(error: BaseException) -> None:
    """Free the memory that a failed training held: the frames of its error still reference the model."""
    traceback.clear_frames(error.__traceback__)
    gc.collect()  # the trainer, its callbacks and its data loader reference each other
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training: the path of its delta, and the losses for the ledger."""

    delta: Path
    loss_start: float
    loss_end: float


def train(context: Context, run: Run, plan: Plan) -> Trained:
    """Train until the plan's steps are done, from the newest sealed checkpoint if there is one.

    Raises Interrupted when a person stopped it; the checkpoint of the step it stopped at is then sealed.
    """
    resume_from = newest_sealed(run.work / "checkpoints")
    if resume_from is not None:
        context.emit.log(f"going on from step {step_of(resume_from)}")
    sequences_fed = plan.steps * plan.recipe.batch_size * plan.accumulation
    passes = encode_passes(context.runtime, context.base, train_rows(run), plan.recipe, sequences_fed)
    voice = voice_plan(context.runtime, context.base, context.config.voice)
    if voice is None:
        context.runtime.unload()  # only a voice still needs its vocabulary, a few megabytes
    job = TrainJob(
        weights_dir=weights_dir(context.workspace, context.base, plan.path),
        examples=tuple(example for fed in passes for example in fed),
        recipe=plan.recipe,
        steps=plan.steps,
        accumulation=plan.accumulation,
        threads=plan.threads,
        work_dir=run.work,
        delta_path=run.staging / "delta.safetensors",
        pad_id=passes[0][0].ids[-1],
        resume_from=resume_from,
        voice=voice,
        passes=len(passes),
    )
    context.control.check()
    counted = begin_peak()
    try:
        result = context.pick_backend(plan.backend).train(job, context.emit, context.control)
    except BaseException as error:
        release_failed(error)
        raise
    if counted and (peak := peak_bytes()) is not None:
        context.emit(MemoryMeasured, peak_bytes=peak)
    if not result.finished:
        raise Interrupted(f"stopped after step {result.steps_done} of {plan.steps}; the checkpoint is kept")
    shutil.copyfile(run.work / "metrics.jsonl", run.staging / "metrics.jsonl")
    shutil.copyfile(run.work / "fed.jsonl", run.staging / "data" / "fed.jsonl")
    return trained(run)


def trained(run: Run) -> Trained:
    """Return what a finished training left in the run's staging; raises Damaged when it is missing or unreadable."""
    delta, metrics = run.staging / "delta.safetensors", run.staging / "metrics.jsonl"
    try:
        start, end = start_end_losses(read_losses(metrics))
    except (OSError, ValueError, KeyError, ZeroDivisionError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(metrics), hint="start anew: luna-tui train") from error
    if not delta.is_file():
        raise Damaged("the delta of this run is gone", where=str(delta), hint="start anew: luna-tui train")
    return Trained(delta, start, end)
