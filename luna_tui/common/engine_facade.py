"""Everything the command line and the console ask of the engine, imported when it is first asked for.

One object, so that tests hand in a scripted engine in its place, and `--help` never pays for a model library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.config.load import Config
    from engine.core.cancellation import Control
    from engine.core.events import Event
    from engine.evaluation.evaluate import Eval
    from engine.pipeline.context import TrainRequest
    from engine.publish.publish import ExportResult
    from engine.runtime.protocol import StreamEvent
    from engine.service.auto_train import Decision
    from engine.service.karma import Meter
    from engine.service.session import TrainOutcome
    from engine.workspace.attach import Holder
    from engine.workspace.layout import Workspace
    from engine.workspace.runs import RunStatus
    from ledger.verify import VerifyReport
    from luna_tui.common.rating import Rating

Progress = Callable[[int, int, str], None]


class Session(Protocol):
    """The engine thread: `train` returns at once, what happens comes as events."""

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
        self, prompt: str, *, max_tokens: int, temperature: float, seed: int, top_p: float = 1.0
    ) -> Iterator[StreamEvent]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class Engine:
    """The real engine; every method imports its own module."""

    def config(self, root: Path, overrides: dict[str, object] | None = None) -> Config:
        """Read and check luna.toml, with flags laid over it."""
        from engine.config.load import load_config

        return load_config(root, overrides or {})

    def session(
        self, workspace: Workspace, config: Config, events: SimpleQueue[Event], *, polite: bool = False
    ) -> Session:
        """An engine thread for this workspace, not started yet; `polite` beside a screen in this process."""
        from engine.service.session import EngineSession

        return EngineSession(workspace, config, events, polite=polite)

    def train_request(self, **fields: Any) -> TrainRequest:
        """What `Session.train` is asked for."""
        from engine.pipeline.context import TrainRequest

        return TrainRequest(**fields)

    def evaluate(
        self,
        workspace: Workspace,
        config: Config,
        ref: str,
        *,
        progress: Progress,
        control: Control,
        only: Eval | None = None,
    ) -> dict[str, Any]:
        """Examine one generation again, or in `only` one of the three evals, and return all scores and items."""
        from engine.evaluation.evaluate import evaluate, evaluate_one

        if only is not None:
            return evaluate_one(workspace, config, ref, only, progress=progress, control=control)
        return evaluate(workspace, config, ref, progress=progress, control=control)

    def recorded_evaluation(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """What was recorded when the generation was examined, in the form of `evaluate`."""
        from engine.evaluation.evaluate import recorded_evaluation

        return recorded_evaluation(workspace, config, ref)

    def read_matrix(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """The forgetting matrix of the line to a generation, as far as it is known."""
        from engine.evaluation.fill_matrix import read_matrix

        return read_matrix(workspace, config, ref=ref).to_dict()

    def fill_matrix(
        self,
        workspace: Workspace,
        config: Config,
        ref: str,
        *,
        progress: Progress,
        control: Control,
        show: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Ask for its missing cells; `show` is handed the matrix after each."""
        from engine.evaluation.fill_matrix import fill_matrix

        shown = (lambda matrix: show(matrix.to_dict())) if show is not None else None
        return fill_matrix(workspace, config, ref, progress, control, show=shown).to_dict()

    def open_chat(
        self, workspace: Workspace, config: Config, ref: str, *, progress: Progress | None = None
    ) -> ChatSession:
        """Load a generation to talk to."""
        from engine.service.chat import open_chat

        return open_chat(workspace, config, ref, progress=progress)

    def lineage_rows(self, workspace: Workspace, *, scores: bool = True) -> list[dict[str, Any]]:
        """The ledger's rows, oldest first, with what a screen needs beside the twelve columns."""
        from engine.workspace.lineage_rows import lineage_rows

        return lineage_rows(workspace, scores=scores)

    def rollback(self, workspace: Workspace, ref: str, *, reason: str) -> dict[str, int | None]:
        """Move HEAD; returns from where to where."""
        from engine.pipeline.rollback import rollback

        return rollback(workspace, ref, reason=reason)

    def verify(self, workspace: Workspace, *, progress: Progress | None = None) -> VerifyReport:
        """Recompute everything that is recorded."""
        from engine.workspace.verify import verify_workspace

        return verify_workspace(workspace, progress=progress)

    def lineage_outline(self, workspace: Workspace) -> list[dict[str, Any]]:
        """The ledger's rows without what the manifests say: quick, for the first sight."""
        from engine.workspace.lineage_rows import lineage_outline

        return lineage_outline(workspace)

    def unfinished(self, workspace: Workspace) -> tuple[int, int | None] | None:
        """The generation whose run can be resumed, and its parent (None: the base)."""
        from engine.workspace.attach import planned_parent, unfinished

        found = unfinished(workspace)
        return (found[1], planned_parent(workspace, found[0])) if found is not None else None

    def can_resume(self, workspace: Workspace, run: str) -> bool:
        """Whether this very run can be gone on with."""
        from engine.workspace.attach import resumable

        return run in {state.run_id for state in resumable(workspace)}

    def unfinished_runs(self, workspace: Workspace) -> list[RunStatus]:
        """All runs that can be resumed, by name; those that nobody works on are interrupted."""
        from engine.workspace.attach import resumable

        return resumable(workspace)

    def run_events(self, workspace: Workspace, gen: int) -> Iterable[Event] | None:
        """All events in the journal of the run that made a generation; None when no journal is left."""
        from engine.core.journal import read_journal
        from engine.workspace.attach import run_journal

        path = run_journal(workspace, gen)
        return None if path is None else read_journal(path)

    def karma_meter(self, workspace: Workspace, config: Config) -> Meter:
        """How much karma the inbox has for the next generation."""
        from engine.service.karma import read_meter

        return read_meter(workspace, config, workspace.lineage())

    def age_up(self, workspace: Workspace, config: Config) -> Decision:
        """Whether a generation should start by itself now, and if not, why."""
        from datetime import datetime

        from engine.service.auto_train import decide

        return decide(workspace, config, datetime.now())

    def age_up_input(self, workspace: Workspace, config: Config) -> object:
        """Something that differs when a generation that was refused may be accepted; cheap to ask for."""
        from engine.service.auto_train import input_stamp

        return input_stamp(workspace, config)

    def age_up_stamp(self, workspace: Workspace, config: Config) -> object:
        """Something that differs when `age_up` may decide otherwise, the clock aside; cheap to ask for."""
        from engine.service.auto_train import stamp

        return stamp(workspace, config)

    def request_stop(self, workspace: Workspace) -> Holder | None:
        """Ask the process that trains here to stop after its step; None when nobody trains."""
        from engine.workspace.attach import request_stop

        return request_stop(workspace)

    def export(
        self,
        workspace: Workspace,
        config: Config,
        ref: str,
        target: str,
        directory: Path,
        *,
        progress: Progress,
        control: Control,
        force: bool = False,
    ) -> ExportResult:
        """Write a generation for another program."""
        from engine.publish.publish import export_generation

        return export_generation(
            workspace, config, ref, target, directory, progress=progress, control=control, force=force
        )

    def write_rating(self, workspace: Workspace, rating: Rating) -> int:
        """Write a person's word on an answer into the inbox; returns the row's karma.

        Raises UsageError for a row that could not be learnt.
        """
        from engine.data.inbox import InboxRow, append_row
        from engine.pipeline.row_lengths import require_fit

        karma = {"good": 1, "bad": -1, "corrected": 2}[rating.verdict]
        row = InboxRow(
            prompt=rating.prompt,
            response=rating.correction if rating.correction is not None else rating.answer,
            karma=karma,
            source="corrected" if rating.verdict == "corrected" else "rated",
            gen=rating.gen,
            rejected=rating.answer if rating.verdict == "corrected" else None,
        )
        config = self.config(workspace.root)
        append_row(
            workspace, row, folder=config.curriculum.inbox, check=lambda row: require_fit(workspace, config, row)
        )
        return karma

    def init_workspace(self, directory: Path, demo: bool) -> None:
        """Make a workspace."""
        from engine.workspace.create import create_workspace
        from luna_tui.common.demo_files import sample_directory

        create_workspace(directory, demo=demo, sample=sample_directory() if demo else None)
