"""Everything the command line asks of the engine, imported when it is first asked for.

One object, so that tests hand in a scripted engine in its place, and `--help` never pays for a model library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.config import Config
    from engine.context import TrainRequest
    from engine.control import Control
    from engine.events import Event
    from engine.runtime.protocol import StreamEvent
    from engine.session import TrainOutcome
    from engine.workspace import Workspace
    from ledger.verify import VerifyReport

Progress = Callable[[int, int, str], None]


class Session(Protocol):
    """The engine thread: `train` returns at once, what happens comes as events."""

    def start(self) -> None: ...

    def train(self, request: TrainRequest) -> Future[TrainOutcome]: ...

    def stop(self) -> None: ...

    def close(self, timeout_s: float = 30) -> None: ...


class Talker(Protocol):
    """A loaded generation that answers raw prompts."""

    @property
    def label(self) -> str: ...

    @property
    def gen(self) -> int | None: ...

    def stream(
        self, prompt: str, *, max_tokens: int, temperature: float, seed: int, top_p: float = 1.0
    ) -> Iterator[StreamEvent]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class Engine:
    """The real engine; every method imports its own module."""

    def config(self, root: Path, overrides: dict[str, object] | None = None) -> Config:
        """Read and check luna.toml, with flags laid over it."""
        from engine.config import load_config

        return load_config(root, overrides or {})

    def session(self, workspace: Workspace, config: Config, events: SimpleQueue[Event]) -> Session:
        """An engine thread for this workspace, not started yet."""
        from engine.session import EngineSession

        return EngineSession(workspace, config, events)

    def train_request(self, **fields: Any) -> TrainRequest:
        """What `Session.train` is asked for."""
        from engine.context import TrainRequest

        return TrainRequest(**fields)

    def evaluate(
        self, workspace: Workspace, config: Config, ref: str, *, progress: Progress, control: Control
    ) -> dict[str, Any]:
        """Examine one generation again and return all scores and items."""
        from engine.evaluate import evaluate

        return evaluate(workspace, config, ref, progress=progress, control=control)

    def recorded_evaluation(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """What was recorded when the generation was examined, in the form of `evaluate`."""
        from engine.evaluate import recorded_evaluation

        return recorded_evaluation(workspace, config, ref)

    def open_chat(self, workspace: Workspace, config: Config, ref: str, *, progress: Progress | None = None) -> Talker:
        """Load a generation to talk to."""
        from engine.chat import open_chat

        return open_chat(workspace, config, ref, progress=progress)

    def lineage_rows(self, workspace: Workspace) -> list[dict[str, Any]]:
        """The ledger's rows, oldest first, with what a screen needs beside the twelve columns."""
        from engine.lineage_view import lineage_rows

        return lineage_rows(workspace)

    def rollback(self, workspace: Workspace, ref: str, *, reason: str) -> dict[str, int | None]:
        """Move HEAD; returns from where to where."""
        from engine.rollback import rollback

        return rollback(workspace, ref, reason=reason)

    def verify(self, workspace: Workspace, *, progress: Progress | None = None) -> VerifyReport:
        """Recompute everything that is recorded."""
        from engine.verifying import verify_workspace

        return verify_workspace(workspace, progress=progress)
