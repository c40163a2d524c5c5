"""What happens around a training step: metrics are logged, events emitted, checkpoints sealed, stop requests obeyed."""

from __future__ import annotations

import errno
import math
import os
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.core.cancellation import Control
from engine.core.errors import LunaError
from engine.core.events import CheckpointSaved, Emitter, TrainStep
from engine.training.batch_log import BatchLog
from engine.training.checkpoint import seal
from engine.training.job import TrainJob
from engine.training.sft.sampling_callback import SamplingCallback
from ledger.durable import make_durable


class EngineCallback(TrainerCallback):
    """The trainer's callback that logs each step, emits its events, seals checkpoints and stops on request.

    `on_step_end` raises FileNotFoundError when the work directory is gone, `on_log` LunaError when the loss or the
    gradient norm is not finite.
    """

    def __init__(
        self,
        job: TrainJob,
        feed: BatchLog,
        emit: Emitter,
        control: Control,
        resume_step: int,
        voice: SamplingCallback | None = None,
    ) -> None:
        self._job, self._feed, self._emit, self._control, self._voice = job, feed, emit, control, voice
        batches = math.ceil(len(job.examples) // job.passes / job.recipe.batch_size)
        self._steps_per_epoch = math.ceil(batches / job.accumulation)
        self._step_seconds = 0.0
        self._began = 0.0
        self._save_began = 0.0
        self._last_step = resume_step

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._began = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if not self._job.work_dir.is_dir():  # moved or deleted: the trainer would recreate it for a checkpoint
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._job.work_dir))
        if self._control.stopping:
            control.should_save = True
            control.should_training_stop = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        del state.log_history[:-1]  # metrics.jsonl replaces it; it would grow in memory and in every checkpoint
        if not logs or "learning_rate" not in logs or state.global_step <= self._last_step:
            return
        self._last_step = state.global_step
        seconds = time.monotonic() - self._began
        grad_norm = float(logs.get("grad_norm", math.nan))
        numbers = self._feed.finish_step(state.global_step, float(logs["learning_rate"]), grad_norm, seconds)
        loss = float(numbers["loss"])
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            name, value = ("loss", loss) if not math.isfinite(loss) else ("gradient's length", grad_norm)
            if state.global_step == 1:
                raise LunaError(
                    f"the {name} is {value} at step 1, before anything was learned",
                    where="training",
                    hint="no learning rate is to blame: the model it starts from gives numbers that are not finite; "
                    'try another [model] base, or [train] precision = "fp32"; nothing was recorded',
                )
            raise LunaError(
                f"the {name} became {value} at step {state.global_step}",
                where="training",
                hint="lower the learning rate of this phase in luna.toml; nothing was recorded",
            )
        # A moving average, so that the estimate of the time left follows the machine's load.
        self._step_seconds = seconds if not self._step_seconds else 0.9 * self._step_seconds + 0.1 * seconds
        self._emit(
            TrainStep,
            step=state.global_step,
            total=self._job.steps,
            loss=loss,
            lr=float(numbers["lr"]),
            grad_norm=grad_norm,
            tokens=int(numbers["tokens"]),
            tokens_per_s=int(numbers["tokens"]) / max(seconds, 1e-9),
            stage=str(numbers["stage"]),
            epoch=state.global_step / self._steps_per_epoch,
            eta_s=self._step_seconds * (self._job.steps - state.global_step),
        )
        if self._voice is not None:
            self._voice.after_step(state.global_step, seconds)
        self._save_began = time.monotonic()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        # A checkpoint is valid once it is sealed: the logs that a resume continues must be durable before that.
        for path in (self._feed.fed_path, self._feed.metrics_path):
            make_durable(path)
        seal(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")
        self._emit(CheckpointSaved, step=state.global_step, seconds=time.monotonic() - self._save_began)
