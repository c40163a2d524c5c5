"""The interface between the console and what is behind it: engine, workspace and models. Tests pass a scripted one.

Every method returns at once; results arrive through `poll`, as events.
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
    from engine.data.questions.answers import Proposal
    from engine.evaluation.evaluate import Eval
    from engine.service.requests import ImportRequest
    from engine.workspace.chats.record import StoredChat
    from luna_tui.common.chat_export import ExportFormat
    from luna_tui.console.state.events import ConsoleEvent


class Link(Protocol):
    """The console's link to one workspace."""

    @property
    def root(self) -> Path:
        """The workspace's directory."""
        ...

    @property
    def name(self) -> str:
        """The workspace's name, not yet made safe to show."""
        ...

    @property
    def trains(self) -> bool:
        """Whether this process is training at this moment, even if its events have not been polled yet."""
        ...

    @property
    def job_label(self) -> str:
        """The label of the job in progress beside training; empty without one."""
        ...

    def start(self) -> None:
        """Start watching the workspace: its lineage, its lock, the machine."""
        ...

    def poll(self) -> Sequence[Event | ConsoleEvent]:
        """Return all events since the last call; never blocks."""
        ...

    def load_lineage(self) -> None: ...

    def load_evaluation(self, ref: str) -> None: ...

    def load_matrix(self, ref: str) -> None: ...

    def load_curve(self, gen: int) -> None: ...

    def load_details(self, gen: int) -> None: ...

    def train(self, request: TrainRequest) -> bool:
        """Start training, and return whether it starts. A refusal is reported as an event."""
        ...

    def preview(self, request: TrainRequest) -> None:
        """Decide what this training would learn and take, without training; the result is an event."""
        ...

    def cancel_preview(self) -> None: ...

    def bring_in(self, request: ImportRequest) -> None:
        """Import a file or folder, or look at what it would bring; the result is an event."""
        ...

    def cancel_import(self) -> None: ...

    def stop(self) -> None:
        """Request that the run stops after its current step, with a checkpoint; also for a run of another process."""
        ...

    def evaluate(self, ref: str, only: Eval | None = None) -> bool:
        """Evaluate a generation now, on all three evals or on the `only` one; return whether the job starts."""
        ...

    def fill_matrix(self, ref: str) -> bool:
        """Compute the missing cells of a forgetting matrix; return whether the job starts."""
        ...

    def verify(self) -> bool: ...

    def export(self, ref: str, target: str, directory: Path) -> bool: ...

    def cancel_job(self) -> None: ...

    def rollback(self, ref: str, reason: str) -> None: ...

    def ask(
        self,
        turn: int,
        prompt: str,
        refs: Sequence[str],
        options: SamplingOptions,
        kind: str = "chat",
        kept: tuple[tuple[str, ...], ...] = (),
        since: int = 0,
    ) -> None: ...

    def cancel_answers(self) -> None: ...

    def rate(self, rating: Rating) -> None: ...

    def load_chats(self) -> None: ...

    def reopen_chat(self, chat: StoredChat, first: int) -> None:
        """Go on in a stored conversation's file with the chat whose turns from `first` on are its own."""
        ...

    def export_chat(self, chat: StoredChat, form: ExportFormat) -> None: ...

    def chat_to_inbox(self, chat: StoredChat) -> None: ...

    def stages(self) -> Sequence[str]:
        """Return the curriculum's stages in order; empty while luna.toml is in error."""
        ...

    def propose_questions(self, files: Sequence[Path], stage: str) -> None: ...

    def write_questions(self, path: Path, proposals: Sequence[Proposal], *, replace: bool) -> None: ...

    def config_text(self) -> str:
        """Return the text of luna.toml as it is on disk."""
        ...

    def config_problem(self) -> Mapping[str, str] | None:
        """Return the error in luna.toml (`title`, `where`, `hint`), or None."""
        ...

    def reload_config(self) -> None: ...

    def hand_over(self) -> int | None:
        """Stop the run with a checkpoint, start a separate process that continues it, and return its pid; may block."""
        ...

    def close(self, *, wait: bool) -> None:
        """Close the link; with `wait` this process's run is finished first, else it is stopped with a checkpoint."""
        ...
