"""An accepted request and its result, or the reason why it was refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from engine.service.requests import Request

_REPORT_EVERY_S = 0.125


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not accepted, and what to do about it; nothing has been begun.

    `cause` is the error where a person must put something right; None when other work is in progress.
    """

    reason: str
    hint: str = ""
    cause: Exception | None = None


class Job:
    """An accepted request. `cancel` may be called from any thread and from a signal handler, any number of times."""

    def __init__(self, number: int, request: Request, label: str, cancel: Callable[[], None]) -> None:
        self.id = number
        self.request = request
        self.label = label
        self.cancel = cancel
        self._future: Future[Any] = Future()

    @property
    def done(self) -> bool:
        """Whether the job has ended, with or without an error."""
        return self._future.done()

    def result(self, timeout_s: float | None = None) -> Any:
        """Wait for the job to end and return its result.

        Raises what the work raised: Interrupted after `cancel`, LunaError or LedgerError for what went wrong. Raises
        TimeoutError when it has not ended within `timeout_s` seconds.
        """
        return self._future.result(timeout_s)

    def wait(self) -> None:
        """Wait for the job to end, whether it succeeds or fails."""
        self._future.exception()

    def error(self) -> BaseException | None:
        """Return what the work raised; None while it runs and when it succeeded."""
        return self._future.exception() if self._future.done() else None

    def succeed(self, result: Any) -> None:
        """End the job with its result; for the engine only."""
        self._future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """End the job with an error; for the engine only."""
        self._future.set_exception(error)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A job began, advanced or ended: `done` of `total` units of `part`; `eta_s` is in seconds, None while unknown."""

    job: Job
    what: Literal["began", "advanced", "ended"]
    part: str = ""
    done: int = 0
    total: int = 0
    eta_s: float | None = None


class JobReporter:
    """Turns `(done, total, part)` calls into job events with an estimated time left, at most eight a second."""

    def __init__(self, job: Job, tell: Callable[[JobEvent], None]) -> None:
        self._job, self._tell = job, tell
        self._part, self._began, self._last = "", time.monotonic(), 0.0

    def __call__(self, done: int, total: int, part: str = "") -> None:
        """Report that `done` of `total` units of `part` are finished."""
        now = time.monotonic()
        if part != self._part:
            self._part, self._began, self._last = part, now, 0.0
        if done < total and now - self._last < _REPORT_EVERY_S:
            return
        self._last = now
        eta = (now - self._began) / done * (total - done) if done else None
        self._tell(JobEvent(self._job, "advanced", part, done, total, eta))
