"""Long work beside training, one job after the other in a thread of its own: eval, matrix, verify, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.counted import counted
from luna_tui.common.engine_facade import Engine
from luna_tui.console.state.events import EvaluationLoaded, JobEnded, MatrixLoaded
from luna_tui.console.workers.worker import JobReporter, Tell, Worker, run_job

if TYPE_CHECKING:
    from engine.core.cancellation import Control
    from engine.evaluation.evaluate import Eval
    from engine.workspace.layout import Workspace

Progress = Callable[[int, int, str], None]


class JobRunner:
    """Begins jobs and cancels the one that is going on."""

    def __init__(self, engine: Engine, workspace: Workspace, tell: Tell, log: Path) -> None:
        self._engine, self._workspace, self._tell, self._log = engine, workspace, tell, log
        self._worker = Worker("luna-jobs", tell, log)
        self._control: Control | None = None

    def _job(self, job: str, label: str, work: Callable[[Progress, Control], JobEnded]) -> None:
        from engine.core.cancellation import Control

        control = Control()
        self._control = control

        def watched(report: JobReporter) -> JobEnded:
            def progress(done: int, total: int, part: str) -> None:
                control.check()
                report(done, total, part)

            return work(progress, control)

        self._worker.do(lambda: run_job(job, label, self._tell, self._log, watched))

    def evaluate(self, ref: str, only: Eval | None = None) -> None:
        """Examine a generation now, or in `only` one of the three evals."""

        def work(progress: Progress, control: Control) -> JobEnded:
            config = self._engine.config(self._workspace.root)
            found = self._engine.evaluate(self._workspace, config, ref, progress=progress, control=control, only=only)
            self._tell(EvaluationLoaded(str(found["label"]), found))
            scores = found["scores"]
            names = (only,) if only else ("recall", "generalization", "drift")
            said = [f"{name} {scores[name]['value']:.3f}" for name in names if scores[name]]
            return JobEnded("evaluate", True, f"{found['label']} examined: {', '.join(said)}")

        self._job("evaluate", f"examining {ref}" + (f": {only}" if only else ""), work)

    def fill_matrix(self, ref: str) -> None:
        """Ask for the missing cells of a forgetting matrix; each is shown when it is known."""

        def work(progress: Progress, control: Control) -> JobEnded:
            found = self._engine.fill_matrix(
                self._workspace,
                self._engine.config(self._workspace.root),
                ref,
                progress=progress,
                control=control,
                show=lambda matrix: self._tell(MatrixLoaded(ref, matrix)),
            )
            self._tell(MatrixLoaded(ref, found))
            kept = f", but not kept: {found['unkept']}" if found.get("unkept") else ""
            return JobEnded("matrix", True, f"the matrix of {ref} is filled{kept}")

        self._job("matrix", f"matrix of {ref}", work)

    def verify(self) -> None:
        """Recompute every hash."""

        def work(progress: Progress, control: Control) -> JobEnded:
            report = self._engine.verify(self._workspace, progress=progress)
            if report.ok:
                return JobEnded(
                    "verify",
                    True,
                    f"verified: {counted(report.checked, 'file')} {'is' if report.checked == 1 else 'are'} as recorded",
                )
            lines = tuple(f"{p.gen}: {p.file}: {p.problem}" for p in report.problems)
            return JobEnded("verify", False, f"{len(lines)} things are not as recorded: {lines[0]}", lines)

        self._job("verify", "verifying", work)

    def export(self, ref: str, target: str, directory: Path) -> None:
        """Write a generation for another program."""

        def work(progress: Progress, control: Control) -> JobEnded:
            config = self._engine.config(self._workspace.root)
            done = self._engine.export(
                self._workspace,
                config,
                ref,
                target,
                directory,
                progress=progress,
                control=control,
            )
            return JobEnded("export", True, f"{done.label} is in {directory}: {done.command}")

        self._job("export", f"exporting {ref} for {target}", work)

    def cancel(self) -> None:
        """Cancel at its next safe point."""
        if self._control is not None:
            self._control.stop()
