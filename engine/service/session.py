"""The engine thread: it owns the accelerator, takes requests from a queue, and reports everything by events."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.error_mapping import as_luna_error, is_expected, keep_traceback
from engine.core.errors import Interrupted, InUse, UsageError
from engine.core.events import Emitter, ProgressReporter, RunFinished
from engine.models.base import prepare_base
from engine.models.lineage_weights import require_own_line
from engine.pipeline.context import Context
from engine.pipeline.orchestrator import current_head, evolve
from engine.pipeline.request import TrainRequest, with_request
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace

if TYPE_CHECKING:
    from engine.service.work import EventQueue
    from engine.training.job import TrainingBackend

__all__ = ["EngineSession", "TrainOutcome", "TrainRequest"]


_POLITE_NICE = 5


@dataclass(frozen=True, slots=True)
class TrainOutcome:
    """How a request ended: the last events of its generations, and the command line's exit code.

    `gave_way`: nothing was begun, since another process held the workspace and no person had requested this run.
    """

    exit_code: int
    finished: list[RunFinished]
    gave_way: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with its own stop flag, so that a stop is neither lost before it begins nor applied to the next one."""

    request: TrainRequest
    control: Control
    future: Future[TrainOutcome]


def _pick_backend(name: str) -> TrainingBackend:
    from engine.training.backends import pick_backend  # heavy: only the engine thread imports it, and only to train

    return pick_backend(name)


class EngineSession:
    """Runs requests one after another in its own thread.

    Events go into the given queue, never into a screen's callback. `polite` lets the threads of a screen in the same
    process go first.
    """

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        events: EventQueue,
        *,
        pick_backend: Callable[[str], TrainingBackend] = _pick_backend,
        polite: bool = False,
    ) -> None:
        self._workspace = workspace
        self._config = config
        self._events = events
        self._pick_backend = pick_backend
        self._polite = polite
        self._inbox: SimpleQueue[_Asked | None] = SimpleQueue()
        self._pending: list[_Asked] = []
        self._guard = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="luna-engine", daemon=True)

    def start(self) -> None:
        """Start the engine thread, which then waits for requests."""
        self._thread.start()

    def train(self, request: TrainRequest) -> Future[TrainOutcome]:
        """Submit a training request; the future's result says how it ended and never raises for a failed run.

        Raises RuntimeError when the session is closed.
        """
        asked = _Asked(request, Control(self._workspace.stop_file), Future())
        with self._guard:
            if self._closed:
                raise RuntimeError("this engine session is closed")
            self._pending.append(asked)
            self._inbox.put(asked)
        return asked.future

    @property
    def busy(self) -> bool:
        """Whether any request submitted so far has not ended yet."""
        return any(not asked.future.done() for asked in tuple(self._pending))

    def stop(self) -> None:
        """Stop all requests submitted so far after the current step, with a checkpoint; later requests run."""
        # No lock: signal handlers call this, and may interrupt the thread that holds it.
        for asked in tuple(self._pending):
            asked.control.stop()

    def close(self, timeout_s: float = 30) -> None:
        """Accept no more requests, let the thread end after those submitted, and wait `timeout_s` seconds at most."""
        with self._guard:
            self._closed = True
            self._inbox.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _work(self) -> None:
        if self._polite:
            # The threads of the numerics are children of this one and inherit its priority: a key press is served at
            # once, and on an otherwise idle machine training loses nothing.
            with contextlib.suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _POLITE_NICE)
        while (asked := self._inbox.get()) is not None:
            try:
                asked.future.set_result(self._train(asked.request, asked.control))
            except BaseException as error:  # a listener that raises must not leave the others waiting forever
                asked.future.set_exception(error)
            with self._guard:
                self._pending.remove(asked)

    def _train(self, request: TrainRequest, control: Control) -> TrainOutcome:
        finished: list[RunFinished] = []
        emit = Emitter("", self._events.put)
        try:
            self._evolve_all(request, control, emit, finished)
        except InUse as error:
            if request.by_itself and not finished:
                return TrainOutcome(error.exit_code, finished, gave_way=True)
            finished.append(self._failed(emit, error))
        except BaseException as error:  # any error must reach whoever waits for the future
            finished.append(self._failed(emit, error))
        return TrainOutcome(finished[-1].exit_code, finished)

    def _evolve_all(self, request: TrainRequest, control: Control, emit: Emitter, finished: list[RunFinished]) -> None:
        if request.generations < 1:
            raise UsageError(
                f"{request.generations} generations are none", where="--generations", hint="ask for 1 or more"
            )
        workspace, config = self._workspace, with_request(self._config, request)
        reporter = ProgressReporter(emit, "base")

        def progress(done: int, total: int, label: str) -> None:
            control.check()
            reporter(done, total, label)

        with workspace.lock("training") as lock_fault:
            if lock_fault:
                emit.log(f"{lock_fault}; an owner file keeps others out meanwhile", "warning")
            control.check()
            if not request.resume:  # fail at once, not after minutes of preparing the base
                lineage = workspace.lineage()
                require_own_line(
                    workspace, lineage, lineage.resolve(request.parent) if request.parent else lineage.head
                )
            base = prepare_base(workspace, config, progress=progress)
            control.check()
            with Runtime(log=workspace.log("runtime.log")) as runtime:
                context = Context(workspace, config, base, runtime, self._pick_backend, emit, control)
                for _ in range(request.generations):
                    finished.append(evolve(context, request))
                    if finished[-1].verdict != "accepted":
                        break
                    request = replace(
                        request, resume=False, run="", parent=None
                    )  # the next one descends from the new HEAD

    def _failed(self, emit: Emitter, error: BaseException) -> RunFinished:
        """Emit the end of a request that failed outside any run."""
        problem = as_luna_error(error, self._workspace.root)
        interrupted = isinstance(problem, Interrupted)
        hint = problem.hint
        if interrupted:
            hint = "nothing was begun; again: luna-tui train"
        elif not is_expected(error):
            hint = f"{hint}\n{keep_traceback(error, self._workspace.runs / 'engine.log')}".strip()
        return emit(
            RunFinished,
            gen=None,
            verdict="interrupted" if interrupted else "failed",
            reasons=[problem.title],
            exit_code=problem.exit_code,
            head=current_head(self._workspace),
            error=f"{problem.where}: {problem.title}" if problem.where else problem.title,
            hint=hint,
        )
