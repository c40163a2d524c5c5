"""What the console asks of the world behind it: the engine, the workspace, the models. Tests hand in a scripted one.

Every method returns at once; what comes of it arrives by `poll`, as events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.pipeline.request import TrainRequest
from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from engine.core.events import Event
    from engine.evaluation.evaluate import Eval
    from luna_tui.console.state.events import ConsoleEvent


class Link(Protocol):
    """The console's side of one workspace."""

    @property
    def root(self) -> Path:
        """The workspace's directory."""
        ...

    @property
    def name(self) -> str:
        """The workspace's name, raw."""
        ...

    @property
    def trains(self) -> bool:
        """Whether this process trains at this moment, whatever has been told of it."""
        ...

    @property
    def job_label(self) -> str:
        """What goes on beside training at this moment, in words; empty when nothing does."""
        ...

    def start(self) -> None:
        """Begin to watch the workspace: its lineage, its lock, the machine."""
        ...

    def poll(self) -> Sequence[Event | ConsoleEvent]:
        """All that has happened since the last call; never blocks."""
        ...

    def load_lineage(self) -> None: ...

    def load_evaluation(self, ref: str) -> None: ...

    def load_matrix(self, ref: str) -> None: ...

    def load_curve(self, gen: int) -> None: ...

    def load_details(self, gen: int) -> None: ...

    def train(self, request: TrainRequest) -> bool:
        """Train; whether it begins. A refusal is told."""
        ...

    def stop(self) -> None:
        """Ask the run to stop after its step, with a checkpoint; also the run of another process."""
        ...

    def evaluate(self, ref: str, only: Eval | None = None) -> bool:
        """Examine a generation now, or in `only` one of the three evals."""
        ...

    def fill_matrix(self, ref: str) -> bool:
        """Ask for the missing cells of a forgetting matrix."""
        ...

    def verify(self) -> bool: ...

    def export(self, ref: str, target: str, directory: Path) -> bool: ...

    def cancel_job(self) -> None: ...

    def rollback(self, ref: str, reason: str) -> None: ...

    def ask(
        self, turn: int, prompt: str, refs: Sequence[str], options: SamplingOptions, kind: str = "chat"
    ) -> None: ...

    def cancel_answers(self) -> None: ...

    def rate(self, rating: Rating) -> None: ...

    def config_text(self) -> str:
        """luna.toml as it is on disk."""
        ...

    def config_problem(self) -> Mapping[str, str] | None:
        """What is wrong with luna.toml (`title`, `where`, `hint`), or None."""
        ...

    def reload_config(self) -> None: ...

    def hand_over(self) -> int | None:
        """Stop the run with a checkpoint, let a process of its own go on with it, and return its id; may block."""
        ...

    def close(self, *, wait: bool) -> None:
        """Leave; with `wait` the run in this process is finished first, else it is stopped with a checkpoint."""
        ...
