"""The part of the console's link that decides what a training would learn, as a job beside training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.pipeline.request import TrainRequest
from engine.service.jobs import Job, Refusal
from engine.service.requests import PreviewRequest
from luna_tui.console.state.events import ConsoleEvent, PreviewLoaded

if TYPE_CHECKING:
    from queue import SimpleQueue

    from engine.service.engine import Engine


class PreviewLink:
    """Submits dry runs; results are events."""

    _engine: Engine
    _news: SimpleQueue[ConsoleEvent]
    _beside: Job | None

    def preview(self, request: TrainRequest) -> None:
        """Decide what this training would learn and take; a refusal is told as the result."""
        answer = self._engine.submit(PreviewRequest(request))
        if isinstance(answer, Refusal):
            self._news.put(PreviewLoaded(request, None, answer.reason, answer.hint))
        else:
            self._beside = answer

    def cancel_preview(self) -> None:
        """Cancel the dry run in progress; another job that is going on beside training is left alone."""
        job = self._beside
        if job is not None and isinstance(job.request, PreviewRequest):
            self._engine.cancel(job.id)
