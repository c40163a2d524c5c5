"""The part of the console's link that imports a file or folder, or looks at what it would bring, beside training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.service.jobs import Job, Refusal
from engine.service.requests import ImportRequest
from luna_tui.console.state.events import ConsoleEvent, ImportLoaded

if TYPE_CHECKING:
    from queue import SimpleQueue

    from engine.service.engine import Engine


class ImportLink:
    """Submits imports; results are events."""

    _engine: Engine
    _news: SimpleQueue[ConsoleEvent]
    _beside: Job | None

    def bring_in(self, request: ImportRequest) -> None:
        """Import a file or folder, or look at what it would bring; a refusal is told as the result."""
        answer = self._engine.submit(request)
        if isinstance(answer, Refusal):
            self._news.put(ImportLoaded(request, None, answer.reason, answer.hint))
        else:
            self._beside = answer

    def cancel_import(self) -> None:
        """Cancel the import in progress; another job that is going on beside training is left alone."""
        job = self._beside
        if job is not None and isinstance(job.request, ImportRequest):
            self._engine.cancel(job.id)
