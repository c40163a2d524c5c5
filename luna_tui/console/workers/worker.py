"""Threads of the console's own: each does one thing after the other, and tells what came of it as events."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from luna_tui.console.state.events import ConsoleEvent, JobEnded, JobProgress, JobStarted, Noted

Tell = Callable[[ConsoleEvent], None]


def told(error: BaseException, log: Path) -> Noted:
    """An error in words for the person; what nobody expected leaves its traceback in the log."""
    from engine.core.errors import LunaError
    from ledger.errors import LedgerError

    if isinstance(error, LunaError | LedgerError):
        where = f"{error.where}: " if getattr(error, "where", "") else ""
        return Noted("error", f"{where}{getattr(error, 'title', error)}", str(getattr(error, "hint", "")))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        pass  # a full disk must not hide the error itself
    return Noted("error", f"{type(error).__name__}: {error}", f"the traceback is in {log}")


class Worker:
    """A thread that takes tasks one by one; started with its first task, ended with the process."""

    def __init__(self, name: str, tell: Tell, log: Path) -> None:
        self._name, self._tell, self._log = name, tell, log
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, task: Callable[[], None]) -> None:
        """Do this when all before it is done."""
        self._tasks.put(task)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            except Exception as error:
                self._tell(told(error, self._log))


class JobReporter:
    """Turns a job's `(done, total, label)` calls into events with a time left, at most eight a second."""

    def __init__(self, job: str, label: str, tell: Tell) -> None:
        self._job, self._label, self._tell = job, label, tell
        self._part, self._began, self._last = "", time.monotonic(), 0.0

    def __call__(self, done: int, total: int, part: str = "") -> None:
        """Report that `done` of `total` units of a part are finished."""
        now = time.monotonic()
        if part != self._part:
            self._part, self._began, self._last = part, now, 0.0
        if done < total and now - self._last < 0.125:
            return
        self._last = now
        eta = (now - self._began) / done * (total - done) if done else None
        label = f"{self._label}: {part}" if part else self._label
        self._tell(JobProgress(self._job, label, done, total, eta))


def run_job(job: str, label: str, tell: Tell, log: Path, work: Callable[[JobReporter], JobEnded]) -> None:
    """Begin a job, do it, and tell its end, whatever that is."""
    from engine.core.errors import Interrupted

    tell(JobStarted(job, label))
    try:
        tell(work(JobReporter(job, label, tell)))
    except Interrupted:
        tell(JobEnded(job, True, f"{label}: cancelled"))
    except Exception as error:
        problem = told(error, log)
        tell(JobEnded(job, False, f"{label}: {problem.text}", (problem.hint,) if problem.hint else ()))
