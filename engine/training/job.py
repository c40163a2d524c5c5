"""What a training backend is given and what it gives back; both backends keep to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.config.recipe import PhaseRecipe
from engine.core.cancellation import Control
from engine.core.events import Emitter
from probes.typing_habits import Habit


@dataclass(frozen=True, slots=True)
class Example:
    """One training example as token ids: loss counts from `loss_from` on (0: every token that has a predecessor).

    `habit` says how its prompt was changed to what people type, None where it is as written.
    """

    row_id: str
    ids: tuple[int, ...]
    loss_from: int
    stage: str
    habit: Habit | None = None


@dataclass(frozen=True, slots=True)
class VoicePlan:
    """What the model in training is asked: prompts with their token ids, for at most `budget` of the time.

    `decode` is the runtime's: what is shown must be what chat would show.
    """

    prompts: Mapping[str, tuple[int, ...]]
    every_steps: int
    budget: float
    max_tokens: int
    eos_id: int
    decode: Callable[[Sequence[Sequence[int]]], list[str]]


@dataclass(frozen=True, slots=True)
class TrainJob:
    """One generation's training: `examples` are fed in this order, again and again until the steps are spent.

    They are `passes` times all rows, where a row is fed in other words from pass to pass.
    """

    weights_dir: Path
    examples: tuple[Example, ...]
    recipe: PhaseRecipe
    steps: int
    accumulation: int
    threads: int
    work_dir: Path
    delta_path: Path
    pad_id: int
    resume_from: Path | None = None
    voice: VoicePlan | None = None
    passes: int = 1


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a training ended; `finished` is False if stopped at `steps_done`, with a checkpoint to resume from."""

    finished: bool
    steps_done: int
    trained_tokens: int
    seconds: float


class TrainingBackend(Protocol):
    """A way to train: trains on `job`, writes its delta, its metrics and what it fed into the job's work directory."""

    name: str

    def train(self, job: TrainJob, emit: Emitter, control: Control) -> TrainResult:
        """Train until the steps are spent or a stop is asked for; raises LunaError when the numbers go wrong."""
        ...


BackendFactory = Callable[[], TrainingBackend]
