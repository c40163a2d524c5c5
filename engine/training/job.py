"""The input and the output of a training backend; both backends implement this interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.config.recipe import PhaseRecipe
from engine.core.cancellation import Control
from engine.core.events import Emitter
from engine.training.windows import Window
from probes.typing_habits import Habit

IGNORED = -100
"""The label of a token that has no loss."""


@dataclass(frozen=True, slots=True)
class Example:
    """One training sequence as token ids, with a label for each: the id to predict there, or IGNORED.

    `labels[i]` is predicted from the ids before i, as everywhere in transformers; it differs from `ids[i]` where an
    answer of a conversation ends. `window` says which turns of a conversation the sequence holds, and `repeated` how
    many of its tokens are history that another sequence of the row teaches. `habit` says how its prompt was reworded to
    the way people type, None where it is as written.
    """

    row_id: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    stage: str
    habit: Habit | None = None
    window: Window | None = None
    repeated: int = 0

    @property
    def counted(self) -> int:
        """Return how many of its tokens have a loss."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True)
class VoicePlan:
    """The pinned prompts that the model in training is sampled with, as token ids, for at most `budget` of the time.

    `decode` is the runtime's, so that what is shown is what chat would show.
    """

    prompts: Mapping[str, tuple[int, ...]]
    every_steps: int
    budget: float
    max_tokens: int
    eos_id: int
    decode: Callable[[Sequence[Sequence[int]]], list[str]]


@dataclass(frozen=True, slots=True)
class TrainJob:
    """One generation's training; `examples` are fed in this order, again and again until the steps are spent.

    They hold all rows `passes` times, where the wording of a row changes from pass to pass.
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
    """The outcome of a training.

    `finished` is False if it stopped at `steps_done`, with a checkpoint to resume from.
    """

    finished: bool
    steps_done: int
    trained_tokens: int
    seconds: float


class TrainingBackend(Protocol):
    """A training backend: it trains on a job and writes the delta, the metrics and the log of fed rows.

    The delta goes to `delta_path`, the logs into the job's work directory.
    """

    name: str

    def train(self, job: TrainJob, emit: Emitter, control: Control) -> TrainResult:
        """Train until the steps are spent or a stop is requested.

        Raises LunaError when the loss or the gradient norm is not finite.
        """
        ...


BackendFactory = Callable[[], TrainingBackend]
