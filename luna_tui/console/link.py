"""What the console asks of the world behind it: the engine, the workspace, the models. Tests hand in a scripted one.

Every method returns at once; what comes of it arrives by `poll`, as events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from engine.evaluate import Eval
    from engine.events import Event
    from luna_tui.console.events import ConsoleEvent


@dataclass(frozen=True, slots=True)
class TrainWish:
    """What the training form asks for; None means luna.toml's value, an empty `run` the only unfinished one."""

    generations: int = 1
    phase: str = "auto"
    parent: str | None = None
    steps: int | None = None
    data: tuple[Path, ...] = ()
    backend: str | None = None
    seed: int | None = None
    strict: bool = False
    resume: bool = False
    run: str = ""
    inbox_first: bool = False


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How an answer is drawn: greedy at temperature 0."""

    temperature: float = 0.0
    max_tokens: int = 128
    seed: int = 0

    def as_mapping(self) -> dict[str, Any]:
        """The options by name."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class Rating:
    """A person's word on an answer: good (+1), bad (-1), or what it should have been."""

    turn: int
    index: int
    prompt: str
    answer: str
    gen: int | None
    verdict: Literal["good", "bad", "corrected"]
    correction: str | None = None


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

    def train(self, wish: TrainWish) -> None: ...

    def stop(self) -> None:
        """Ask the run to stop after its step, with a checkpoint; also the run of another process."""
        ...

    def evaluate(self, ref: str, only: Eval | None = None) -> None:
        """Examine a generation now, or in `only` one of the three evals."""
        ...

    def fill_matrix(self, ref: str) -> None:
        """Ask for the missing cells of a forgetting matrix."""
        ...

    def verify(self) -> None: ...

    def export(self, ref: str, target: str, directory: Path) -> None: ...

    def cancel_job(self) -> None: ...

    def rollback(self, ref: str, reason: str) -> None: ...

    def ask(self, turn: int, prompt: str, refs: Sequence[str], options: ChatOptions, kind: str = "chat") -> None: ...

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
