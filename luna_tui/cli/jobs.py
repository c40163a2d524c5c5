"""One piece of long work for a command: submitted to the engine, awaited, cancelled by Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luna_tui.cli.calling import Invocation
from luna_tui.cli.signals import cancelled_by_ctrl_c

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.service.engine import Engine
    from engine.service.jobs import Job
    from engine.service.requests import Request
    from engine.service.work import ProgressCallback
    from engine.workspace.layout import Workspace


def accepted(engine: Engine, request: Request, **more: Any) -> Job:
    """Submit a request and return its job; raises the engine's error when the request is refused."""
    from engine.core.errors import LunaError
    from engine.service.jobs import Refusal

    answer = engine.submit(request, **more)
    if isinstance(answer, Refusal):
        raise answer.cause or LunaError(answer.reason, hint=answer.hint)
    return answer


def run_job(
    call: Invocation,
    workspace: Workspace,
    request: Request,
    *,
    config: Config | None = None,
    progress: ProgressCallback,
) -> Any:
    """Submit a request, wait for it and return its result; `progress(done, total, part)` is called in the worker
    thread.

    The first Ctrl-C cancels it at its next safe point and raises Interrupted, the second one stops waiting at once.
    Raises whatever the work raises.
    """
    engine = call.engine.open(workspace)
    job: Job | None = None
    cancelled = False

    def cancel() -> None:
        nonlocal cancelled
        cancelled = True
        if job is not None:
            job.cancel()

    try:
        # Listening comes first: the work begins before its job is returned.
        with cancelled_by_ctrl_c(cancel):
            job = accepted(engine, request, config=config, progress=progress)
            if cancelled:
                job.cancel()
            return job.result()
    finally:
        if job is None or job.done:
            engine.close()
