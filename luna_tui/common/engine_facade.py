"""Everything the command line and the console ask of the engine, imported when it is first asked for.

One object, so that tests hand in a scripted engine in its place, and `--help` never pays for a model library.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.service.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.config.config import Config
    from engine.core.events import Event
    from engine.service.engine import Engine
    from engine.service.karma import Meter
    from engine.workspace.attach import Holder
    from engine.workspace.layout import Workspace
    from engine.workspace.runs import RunStatus
    from luna_tui.common.rating import Rating


class EngineFacade(Work):
    """The real engine; every method imports its own module."""

    def open(self, workspace: Workspace, *, polite: bool = False) -> Engine:
        """The one way in for long work in this workspace; `polite` beside a screen in this process."""
        from engine.service.engine import Engine

        return Engine(workspace, self, polite=polite)

    def recorded_evaluation(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """What was recorded when the generation was examined, in the form of `evaluate`."""
        from engine.evaluation.evaluate import recorded_evaluation

        return recorded_evaluation(workspace, config, ref)

    def read_matrix(self, workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
        """The forgetting matrix of the line to a generation, as far as it is known."""
        from engine.evaluation.fill_matrix import read_matrix

        return read_matrix(workspace, config, ref=ref).to_dict()

    def lineage_rows(self, workspace: Workspace, *, scores: bool = True) -> list[dict[str, Any]]:
        """The ledger's rows, oldest first, with what a screen needs beside the twelve columns."""
        from engine.workspace.lineage_rows import lineage_rows

        return lineage_rows(workspace, scores=scores)

    def rollback(self, workspace: Workspace, ref: str, *, reason: str) -> dict[str, int | None]:
        """Move HEAD; returns from where to where."""
        from engine.pipeline.rollback import rollback

        return rollback(workspace, ref, reason=reason)

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

    def request_stop(self, workspace: Workspace) -> Holder | None:
        """Ask the process that trains here to stop after its step; None when nobody trains."""
        from engine.workspace.attach import request_stop

        return request_stop(workspace)

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
