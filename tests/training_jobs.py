"""Training jobs on a tiny model, for the tests of backends, checkpoints and exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tiny_models import EOS, make_tiny_gguf

from engine.config.config import Config
from engine.config.recipe import PhaseRecipe
from engine.core.cancellation import Control
from engine.core.events import Emitter, Event, TrainStep
from engine.training.job import IGNORED, Example, TrainJob, TrainResult

NUMBER_FORMATS = ("fp32", "bf16")  # every processor computes in both, though not every one quickly
NUMBER_FORMAT = NUMBER_FORMATS[0]  # what a job is trained in that does not say; a test may be run in each


def make_tiny_weights(directory: Path, seed: int = 0) -> Path:
    """De-quantise a tiny GGUF into a weights directory, as a base is."""
    from engine.gguf.dequantize import weights_from_gguf

    weights_from_gguf(make_tiny_gguf(directory / "tiny.gguf", seed=seed), directory / "weights")
    return directory / "weights"


def make_examples(count: int = 7) -> tuple[Example, ...]:
    """Examples of different lengths, the first half of one stage and the rest of another, some with a masked prompt."""
    examples: list[Example] = []
    for n in range(count):
        ids = (*((17 * n + 5 * i) % 500 + 3 for i in range(4 + 3 * n)), EOS)
        stage = "fundamentals" if n < count // 2 else "conversations"
        masked = 2 if n % 2 else 1
        examples.append(Example(f"row{n}", ids, (*[IGNORED] * masked, *ids[masked:]), stage))
    return tuple(examples)


def make_job(
    weights: Path, work: Path, *, accumulation: int = 1, resume_from: Path | None = None, **recipe: Any
) -> TrainJob:
    """A job of a few steps in `work`; keywords change the recipe."""
    phase = recipe.pop("phase", "base")
    small: dict[str, Any] = {"steps": 4, "batch_size": 2, "rank": 4, "alpha": 8.0, "lr": 1e-3, "checkpoint_every": 100}
    plan: PhaseRecipe = replace(Config().recipe(phase), **(small | {"threads": 2, "precision": NUMBER_FORMAT} | recipe))
    work.mkdir(parents=True, exist_ok=True)
    return TrainJob(
        weights_dir=weights,
        examples=make_examples(),
        recipe=plan,
        steps=plan.steps,
        accumulation=accumulation,
        threads=plan.threads,
        work_dir=work,
        delta_path=work / "delta.safetensors",
        pad_id=EOS,
        resume_from=resume_from,
    )


def run_trl(
    job: TrainJob, control: Control | None = None, on_event: Callable[[Event], None] | None = None
) -> TrainResult:
    """Train the job with the trl backend."""
    from engine.training.sft.trl_backend import TrlBackend

    return TrlBackend().train(job, Emitter("test", on_event or (lambda _event: None)), control or Control())


def stop_after(step: int) -> tuple[Control, Callable[[Event], None]]:
    """A control, and a listener that asks it to stop while this step, which then is the last, is being trained."""
    control = Control()

    def listen(event: Event) -> None:
        if isinstance(event, TrainStep) and event.step == step - 1:
            control.stop()

    return control, listen


__all__ = ["Control", "make_examples", "make_job", "make_tiny_weights", "run_trl", "stop_after"]
