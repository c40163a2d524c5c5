"""How each request is carried out.

Every method imports its own module, so that nothing heavy is loaded before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from probes.base import ProgressCallback, Prompt

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.core.cancellation import Control
    from engine.core.events import Event
    from engine.evaluation.evaluate import Eval
    from engine.evaluation.matrix import ForgettingMatrix
    from engine.pipeline.preview import Preview
    from engine.pipeline.request import TrainRequest
    from engine.publish.publish import ExportResult
    from engine.runtime.protocol import StreamEvent
    from engine.service.auto_train import Decision
    from engine.service.inbox_import import Imported
    from engine.service.requests import ImportRequest
    from engine.service.session import TrainOutcome
    from engine.workspace.layout import Workspace
    from ledger.verify import VerifyReport


class EventQueue(Protocol):
    """A queue that a session puts its events into."""

    def put(self, event: Event, /) -> None: ...


class Session(Protocol):
    """A thread that trains: `train` returns at once, and progress is reported by events."""

    def start(self) -> None: ...

    def train(self, request: TrainRequest) -> Future[TrainOutcome]: ...

    def stop(self) -> None: ...

    def close(self, timeout_s: float = 30) -> None: ...


class ChatSession(Protocol):
    """A loaded generation that answers raw prompts."""

    @property
    def label(self) -> str: ...

    @property
    def gen(self) -> int | None: ...

    def stream(
        self, prompt: Prompt, *, max_tokens: int, temperature: float, seed: int, top_p: float = 1.0
    ) -> Iterator[StreamEvent]: ...

    def newest_turns(self, turns: Sequence[str], max_tokens: int) -> tuple[str, ...]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class Work:
    """The real implementation of every request; tests replace the methods that need a model."""

    def config(self, root: Path, overrides: dict[str, object] | None = None) -> Config:
        """Read and validate luna.toml, with `overrides` from flags laid over it."""
        from engine.config.load import load_config

        return load_config(root, overrides or {})

    def session(self, workspace: Workspace, config: Config, events: EventQueue, *, polite: bool = False) -> Session:
        """Return a training thread for this workspace, not yet started; `polite` is for use beside a screen."""
        from engine.service.session import EngineSession

        return EngineSession(workspace, config, events, polite=polite)

    def evaluate(
        self,
        workspace: Workspace,
        config: Config,
        ref: str,
        *,
        progress: ProgressCallback,
        control: Control,
        only: Eval | None = None,
    ) -> dict[str, Any]:
        """Evaluate one generation again, or with `only` one of the three evals, and return all scores and items."""
        from engine.evaluation.evaluate import evaluate, evaluate_one

        if only is not None:
            return evaluate_one(workspace, config, ref, only, progress=progress, control=control)
        return evaluate(workspace, config, ref, progress=progress, control=control)

    def fill_matrix(
        self,
        workspace: Workspace,
        config: Config,
        ref: str,
        *,
        progress: ProgressCallback,
        control: Control,
        show: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Compute the missing cells of a forgetting matrix; `show` receives the matrix after each."""
        from engine.evaluation.fill_matrix import fill_matrix

        def shown(matrix: ForgettingMatrix) -> None:
            if show is not None:
                show(matrix.to_dict())

        return fill_matrix(workspace, config, ref, progress, control, show=shown).to_dict()

    def verify(self, workspace: Workspace, *, progress: ProgressCallback | None = None) -> VerifyReport:
        """Recompute every recorded hash and return the report."""
        from engine.workspace.verify import verify_workspace

        return verify_workspace(workspace, progress=progress)

    def preview(
        self,
        workspace: Workspace,
        config: Config,
        request: TrainRequest,
        *,
        progress: ProgressCallback,
        control: Control,
    ) -> Preview:
        """Return what a training would learn and take; nothing is written."""
        from engine.pipeline.preview import preview

        return preview(workspace, config, request, progress=progress, control=control)

    def bring_in(
        self, workspace: Workspace, config: Config, request: ImportRequest, *, progress: ProgressCallback
    ) -> Imported:
        """Return what a file or folder brings, or would bring where nothing is to be written; may be cancelled."""
        from datetime import date

        from engine.service.inbox_import import Importer, ImportOptions

        options = ImportOptions(region=request.region, keep_near=request.keep_near, stage=request.stage)
        importer = Importer(workspace, config, options, progress)
        (found,) = (
            importer.bring_in([request.source], date.today()) if request.write else importer.preview([request.source])
        )
        return found

    def export(
        self,
        workspace: Workspace,
        config: Config,
        ref: str,
        target: str,
        directory: Path,
        *,
        progress: ProgressCallback,
        control: Control,
        force: bool = False,
    ) -> ExportResult:
        """Export a generation to `directory` in the form that `target` reads."""
        from engine.publish.publish import export_generation

        return export_generation(
            workspace, config, ref, target, directory, progress=progress, control=control, force=force
        )

    def open_chat(
        self, workspace: Workspace, config: Config, ref: str, *, progress: ProgressCallback | None = None
    ) -> ChatSession:
        """Load a generation in a llama.cpp subprocess to chat with."""
        from engine.service.chat import open_chat

        return open_chat(workspace, config, ref, progress=progress)

    def age_up(self, workspace: Workspace, config: Config) -> Decision:
        """Return whether a generation should start by itself now, and if not, why."""
        from datetime import datetime

        from engine.service.auto_train import decide

        return decide(workspace, config, datetime.now())

    def age_up_input(self, workspace: Workspace, config: Config) -> object:
        """Return a value that differs when a refused generation may be accepted; cheap to compute."""
        from engine.service.auto_train import input_stamp

        return input_stamp(workspace, config)

    def age_up_stamp(self, workspace: Workspace, config: Config) -> object:
        """Return a value that differs when `age_up` may decide otherwise, the clock aside; cheap to compute."""
        from engine.service.auto_train import stamp

        return stamp(workspace, config)
