"""The current state of a run: a frozen value, computed by folding the engine's events one after the other.

Live, attached and replayed runs all go through `reduce`, so every view of a run shows the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from engine.core.events import (
    DataPrepared,
    Event,
    Examined,
    Exported,
    Judged,
    LogLine,
    Progress,
    Recorded,
    RunFinished,
    RunStarted,
    StepChanged,
    TrainStep,
)

STEPS = ("prepare", "train", "export", "examine", "judge", "record")

_SMOOTHING = 0.9
_LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class RunState:
    """One generation's run; every field is None until its event has arrived.

    `smoothed` is the bias-corrected exponential average of the loss, in nats per trained token.
    """

    run: str | None = None
    started: RunStarted | None = None
    step: str = ""
    step_label: str = ""
    data: DataPrepared | None = None
    train: TrainStep | None = None
    smoothed: float | None = None
    progress: Progress | None = None
    exported: Exported | None = None
    scores: dict[str, Any] = field(default_factory=dict[str, Any])
    exam_seconds: float = 0.0
    judged: Judged | None = None
    recorded: Recorded | None = None
    finished: RunFinished | None = None
    log: tuple[LogLine, ...] = ()
    losses: int = 0
    average: float = 0.0

    @property
    def gen(self) -> int | None:
        """The number of the generation that this run makes, None before the run has started."""
        return self.started.gen if self.started else None

    @property
    def name(self) -> str:
        """The run's name, `G2 converse`, or `run` before it has started."""
        return f"G{self.started.gen} {self.started.phase}" if self.started else "run"

    def step_state(self, step: str) -> str:
        """Return whether a step of the method is `done`, `running` or `waiting`."""
        if self.finished is not None and self.recorded is not None:
            return "done"
        if self.step not in STEPS:
            return "waiting"
        place, here = STEPS.index(step), STEPS.index(self.step)
        return "done" if place < here else "running" if place == here else "waiting"


def reduce(state: RunState, event: Event) -> RunState:
    """Return the state after an event; the first event of another run starts a new state."""
    if event.run != state.run:
        state = RunState(run=event.run)
    if isinstance(event, RunStarted):
        # A resumed run keeps its name, so the outcome of the stopped attempt must be cleared.
        begun = RunState(run=state.run, started=event, data=state.data, step=state.step, step_label=state.step_label)
        return replace(
            begun, train=state.train, smoothed=state.smoothed, losses=state.losses, average=state.average, log=state.log
        )
    if isinstance(event, StepChanged):
        return replace(state, step=event.step, step_label=event.label, progress=None)
    if isinstance(event, TrainStep):
        return _trained(state, event)
    if isinstance(event, Progress):
        return replace(state, progress=event)
    if isinstance(event, DataPrepared):
        return replace(state, data=event)
    if isinstance(event, Exported):
        return replace(state, exported=event)
    if isinstance(event, Examined):
        return replace(state, scores=event.scores, exam_seconds=event.seconds)
    if isinstance(event, Judged):
        return replace(state, judged=event)
    if isinstance(event, Recorded):
        return replace(state, recorded=event)
    if isinstance(event, RunFinished):
        return replace(state, finished=event, scores=event.scores or state.scores)
    if isinstance(event, LogLine):
        return replace(state, log=(*state.log, event)[-_LOG_LINES:])
    return state


def _trained(state: RunState, event: TrainStep) -> RunState:
    if not math.isfinite(event.loss):
        return replace(state, train=event)
    losses = state.losses + 1
    average = _SMOOTHING * state.average + (1 - _SMOOTHING) * event.loss
    return replace(state, train=event, losses=losses, average=average, smoothed=average / (1 - _SMOOTHING**losses))
