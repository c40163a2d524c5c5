"""Every engine call of the command line and the console, each importing its engine module on first use.

It is one object so that tests can pass a scripted engine instead, and so that `--help` does not import a model library.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.service.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.config.config import Config
    from engine.core.cancellation import Control
    from engine.core.errors import UsageError
    from engine.core.events import Event
    from engine.data.questions.answers import Proposal
    from engine.service.chat_inbox import TakenIn
    from engine.service.engine import Engine
    from engine.service.karma import Meter
    from engine.workspace.attach import Holder
    from engine.workspace.chats.record import StoredChat
    from engine.workspace.layout import Workspace
    from engine.workspace.runs import RunStatus
    from luna_tui.common.rating import Rating
    from probes.base import ProgressCallback


class EngineFacade(Work):
    """The real engine; every method imports the module it needs."""

    def open(self, workspace: Workspace, *, polite: bool = False) -> Engine:
        """Return the engine for long work in this workspace.

        `polite` lets the threads of a screen in this process run first.
        """
        from engine.service.engine import Engine

        return Engine(workspace, self, polite=polite)

    def recorded_evaluation(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """Return the scores recorded when the generation was evaluated after training, in the form of `evaluate`."""
        from engine.evaluation.evaluate import recorded_evaluation

        return recorded_evaluation(workspace, config, ref)

    def read_matrix(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """Return the forgetting matrix of the line that ends at a generation, with the cells that are known so far."""
        from engine.evaluation.fill_matrix import read_matrix

        return read_matrix(workspace, config, ref=ref).to_dict()

    def lineage_rows(self, workspace: Workspace, *, scores: bool = True) -> list[dict[str, Any]]:
        """Return the ledger's rows, oldest first, with the twelve columns and the extra fields that screens need."""
        from engine.workspace.lineage_rows import lineage_rows

        return lineage_rows(workspace, scores=scores)

    def rollback(self, workspace: Workspace, ref: str, *, reason: str) -> dict[str, int | None]:
        """Move HEAD to a generation and return the generations it moved from and to."""
        from engine.pipeline.rollback import rollback

        return rollback(workspace, ref, reason=reason)

    def lineage_outline(self, workspace: Workspace) -> list[dict[str, Any]]:
        """Return the ledger's rows without the fields read from manifests: fast enough for the first paint."""
        from engine.workspace.lineage_rows import lineage_outline

        return lineage_outline(workspace)

    def unfinished(self, workspace: Workspace) -> tuple[int, int | None] | None:
        """Return the generation of the newest resumable run and its parent (None: the base), or None without one."""
        from engine.workspace.attach import planned_parent, unfinished

        found = unfinished(workspace)
        return (found[1], planned_parent(workspace, found[0])) if found is not None else None

    def can_resume(self, workspace: Workspace, run: str) -> bool:
        """Return whether the run of this name can be resumed."""
        from engine.workspace.attach import resumable

        return run in {state.run_id for state in resumable(workspace)}

    def unfinished_runs(self, workspace: Workspace) -> list[RunStatus]:
        """Return all runs that can be resumed, by name; those that no process is working on have the status
        interrupted.
        """
        from engine.workspace.attach import resumable

        return resumable(workspace)

    def run_events(self, workspace: Workspace, gen: int) -> Iterable[Event] | None:
        """Return all events in the journal of the run that made a generation, or None when no journal is left."""
        from engine.core.journal import read_journal
        from engine.workspace.attach import run_journal

        path = run_journal(workspace, gen)
        return None if path is None else read_journal(path)

    def karma_meter(self, workspace: Workspace, config: Config) -> Meter:
        """Return how much karma the inbox holds towards the next generation."""
        from engine.service.karma import read_meter

        return read_meter(workspace, config, workspace.lineage())

    def request_stop(self, workspace: Workspace) -> Holder | None:
        """Ask the process that trains in this workspace to stop after its step; return None when none trains."""
        from engine.workspace.attach import request_stop

        return request_stop(workspace)

    def write_rating(self, workspace: Workspace, rating: Rating) -> int:
        """Write a person's rating of an answer into the inbox and return the row's karma.

        Raises UsageError for a row that could not be trained on.
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
            workspace,
            row,
            folder=config.curriculum.inbox,
            keep_markers=config.curriculum.markers == "keep",
            check=lambda row: require_fit(workspace, config, row),
        )
        return karma

    def chats(self, workspace: Workspace) -> tuple[list[StoredChat], list[UsageError]]:
        """Return the stored conversations, the one talked in last first, and what is wrong with files that are none."""
        from engine.workspace.chats.store import read_chats

        return read_chats(workspace)

    def chat_to_inbox(self, workspace: Workspace, chat: StoredChat) -> TakenIn:
        """Put a stored conversation into the inbox and return what it brought; raises UsageError if that is nothing."""
        from engine.service.chat_inbox import chat_to_inbox

        return chat_to_inbox(workspace, self.config(workspace.root), chat)

    def propose_questions(
        self, files: Sequence[Path], *, gguf: Path | None = None, progress: ProgressCallback, control: Control
    ) -> list[Proposal]:
        """Return the questions that documents answer, found by rules, and with `gguf` by that model for the rest."""
        from engine.service.model_questions import propose_questions

        return propose_questions(files, gguf=gguf, progress=progress, control=control)

    def questions_file(self, workspace: Workspace, stage: str, documents: Sequence[Path]) -> Path:
        """Return the curriculum's file for the questions out of these documents; an empty stage means the first."""
        from engine.data.questions.rows_file import questions_file

        curriculum = self.config(workspace.root).curriculum
        return questions_file(workspace.root / curriculum.path, curriculum.stages, stage, documents)

    def init_workspace(self, directory: Path, demo: bool) -> None:
        """Create a workspace in `directory`, with the sample curriculum if `demo` is set."""
        from engine.workspace.create import create_workspace
        from luna_tui.common.demo_files import sample_directory

        create_workspace(directory, demo=demo, sample=sample_directory() if demo else None)
