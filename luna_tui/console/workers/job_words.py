"""Jobs beside training as events for the screen: started, progress, and the result in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.counted import counted
from engine.core.gen_label import gen_label
from engine.service.jobs import Job, JobEvent
from engine.service.requests import (
    EvaluateRequest,
    ExportRequest,
    FillMatrixRequest,
    ImportRequest,
    PreviewRequest,
    VerifyRequest,
)
from luna_tui.console.state.events import (
    ConsoleEvent,
    EvaluationLoaded,
    ImportLoaded,
    JobEnded,
    JobProgress,
    JobStarted,
    MatrixLoaded,
    PreviewLoaded,
)
from luna_tui.console.workers.trouble import told

if TYPE_CHECKING:
    from ledger.verify import VerifyReport

_NAMES = {
    EvaluateRequest: "evaluate",
    FillMatrixRequest: "matrix",
    VerifyRequest: "verify",
    ExportRequest: "export",
    PreviewRequest: "preview",
    ImportRequest: "import",
}


def job_events(event: JobEvent, log: Path) -> Iterator[ConsoleEvent]:
    """Yield the console events for an event of a job."""
    job = event.job
    name = _NAMES[type(job.request)]  # pyright: ignore[reportArgumentType] - training has its own events
    if event.what == "began":
        yield JobStarted(name, job.label)
    elif event.what == "advanced":
        label = f"{job.label}: {event.part}" if event.part else job.label
        yield JobProgress(name, label, event.done, event.total, event.eta_s)
    else:
        yield from _ended(job, name, log)


def _ended(job: Job, name: str, log: Path) -> Iterator[ConsoleEvent]:
    from engine.core.errors import Interrupted

    error = job.error()
    if isinstance(error, Interrupted):
        if isinstance(job.request, ImportRequest):
            yield ImportLoaded(job.request, None, "cancelled: nothing was written")
        yield JobEnded(name, True, f"{job.label}: cancelled")
    elif error is not None:
        problem = told(error, log)
        if isinstance(job.request, PreviewRequest):
            yield PreviewLoaded(job.request.request, None, problem.text, problem.hint)
        elif isinstance(job.request, ImportRequest):
            yield ImportLoaded(job.request, None, problem.text, problem.hint)
        yield JobEnded(name, False, f"{job.label}: {problem.text}", (problem.hint,) if problem.hint else ())
    else:
        yield from _well(job.request, name, job.result())


def _well(request: object, name: str, result: Any) -> Iterator[ConsoleEvent]:
    if isinstance(request, EvaluateRequest):
        yield EvaluationLoaded(str(result["label"]), result)
        scores = result["scores"]
        names = (request.only,) if request.only else ("recall", "generalization", "drift")
        said = [f"{score} {scores[score]['value']:.3f}" for score in names if scores[score]]
        yield JobEnded(name, True, f"{result['label']} examined: {', '.join(said)}")
    elif isinstance(request, FillMatrixRequest):
        yield MatrixLoaded(request.ref, result)
        kept = f", but not kept: {result['unkept']}" if result.get("unkept") else ""
        yield JobEnded(name, True, f"the matrix of {request.ref} is filled{kept}")
    elif isinstance(request, ExportRequest):
        yield JobEnded(name, True, f"{result.label} is in {request.directory}: {result.command}")
    elif isinstance(request, PreviewRequest):
        yield PreviewLoaded(request.request, result)
        yield JobEnded(name, True, f"dry run of {gen_label(result.gen)}: nothing was trained")
    elif isinstance(request, ImportRequest):
        yield ImportLoaded(request, result)
        into = f"are in {result.path.parent.name}/{result.path.name}" if result.path else "were found, none is written"
        yield JobEnded(name, True, f"{counted(result.rows, 'new row')} of {result.source.name} {into}")
    else:
        yield _verified(name, result)


def _verified(name: str, report: VerifyReport) -> JobEnded:
    if report.ok:
        are = "is" if report.checked == 1 else "are"
        return JobEnded(name, True, f"verified: {counted(report.checked, 'file')} {are} as recorded")
    lines = tuple(f"{p.gen}: {p.file}: {p.problem}" for p in report.problems)
    return JobEnded(name, False, f"{len(lines)} things are not as recorded: {lines[0]}", lines)
