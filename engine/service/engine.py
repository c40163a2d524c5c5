"""The single entry point for all long work of a process in a workspace.

It accepts or refuses requests at once, and owns the threads. The caller, a screen or a command, gets a `Job` or a
`Refusal` before the call returns. This is decided under one lock, so that two requests that come together cannot both
begin. Events go to every subscribed sink.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from engine.core.cancellation import Control
from engine.core.errors import LunaError
from engine.core.events import Event
from engine.pipeline.request import TrainRequest
from engine.service.jobs import Job, JobEvent, JobReporter, Refusal
from engine.service.lane import Lane
from engine.service.requests import (
    EvaluateRequest,
    ExportRequest,
    FillMatrixRequest,
    ImportRequest,
    PreviewRequest,
    Request,
    TaskRequest,
    VerifyRequest,
)
from engine.service.work import ChatSession, ProgressCallback, Work
from engine.workspace.layout import Workspace
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.service.auto_train import AutoTrain
    from engine.service.poller import Poller, Seen
    from engine.service.session import TrainOutcome

Sink = Callable[[Event | JobEvent], None]
Show = Callable[[dict[str, Any]], None]

_SAFE_POINT_S = 60.0
"""Seconds that a closing engine waits for cancelled work to reach a point where nothing is half written."""


class Engine:
    """Trains one request at a time, runs one other job beside it, and keeps chat models, all in threads of its own.

    Training holds the workspace's lock, so there is one in the whole workspace. Evaluating, filling a matrix, verifying
    and exporting only read what is recorded and may run beside it, one at a time: each loads a model. So may an import,
    which writes a file of its own. Chat has a thread to itself, since a person waits for it.

    `polite` lets the threads of a screen in this process go first. Closing is final.
    """

    def __init__(self, workspace: Workspace, work: Work | None = None, *, polite: bool = False) -> None:
        self.workspace = workspace
        self.work = work or Work()
        self._polite = polite
        self._lock = threading.Lock()
        self._closed = False
        self._number = 0
        self._sinks: list[Sink] = []
        self._training: Job | None = None
        self._beside: Job | None = None
        self._chats: list[ChatSession] = []
        self._lane = Lane("luna-jobs", self._unexpected)
        self._chat_lane = Lane("luna-chat", self._unexpected)
        self._read_lane = Lane("luna-reads", self._unexpected)
        self._auto_train: AutoTrain | None = None
        self._poller: Poller | None = None

    # Events

    def subscribe(self, sink: Sink) -> None:
        """Deliver every event from now on to `sink`, on the thread that emits it: it must return at once."""
        self._sinks.append(sink)

    def put(self, event: Event | JobEvent) -> None:
        """Deliver an event to every sink; one that raises does not keep the others from getting it."""
        for sink in tuple(self._sinks):
            try:
                sink(event)
            except Exception as error:
                self._unexpected(error)

    # Status

    @property
    def training(self) -> Job | None:
        """The training job in progress, None if there is none."""
        job = self._training
        return None if job is None or job.done else job

    @property
    def beside(self) -> Job | None:
        """The job beside training in progress, such as an evaluation or an import, None if there is none."""
        job = self._beside
        return None if job is None or job.done else job

    # Requests

    def submit(
        self,
        request: Request,
        *,
        config: Config | None = None,
        progress: ProgressCallback | None = None,
        show: Show | None = None,
    ) -> Job | Refusal:
        """Begin a request, or return at once why it is refused; never waits for work.

        `config` is used in place of luna.toml, which is read again otherwise. `progress(done, total, part)` and `show`,
        which receives a matrix after each cell, are called on the worker thread.
        """
        with self._lock:
            if self._closed:
                return Refusal("this is being closed")
            if isinstance(request, TrainRequest):
                return self._train(request, config)
            if (going_on := self.beside) is not None:
                return Refusal(f"{going_on.label} is still going on", "wait for it, or cancel it")
            control = Control()
            job = self._beside = Job(self._next(), request, request.label, control.stop)
            self._lane.do(lambda: self._do(job, control, config, progress, show))
            return job

    def cancel(self, number: int) -> bool:
        """Cancel a job by its id and return whether it was still in progress."""
        for job in (self.training, self.beside):
            if job is not None and job.id == number:
                job.cancel()
                return True
        return False

    def open_chat(
        self, ref: str, *, config: Config | None = None, progress: ProgressCallback | None = None
    ) -> ChatSession:
        """Load a generation to chat with, on the calling thread; it is closed with the engine at the latest.

        Raises what `engine.service.chat.open_chat` does, and LunaError when the engine is closed.
        """
        chat = self.work.open_chat(self.workspace, config or self._config(), ref, progress=progress)
        with self._lock:
            if not self._closed:
                self._chats.append(chat)
                return chat
        chat.close()
        raise LunaError("this is being closed")

    def close_chat(self, chat: ChatSession) -> None:
        """Unload a generation that `open_chat` loaded."""
        with self._lock:
            if chat in self._chats:
                self._chats.remove(chat)
        chat.close()

    def read(self, task: Callable[[], None]) -> None:
        """Queue a short task that reads the workspace or writes a line into it; tasks run in the order queued."""
        self._read_lane.do(task)

    def talk(self, task: Callable[[], None]) -> None:
        """Queue a task that prompts a chat model; tasks run in the order they were queued."""
        self._chat_lane.do(task)

    def watch(self, tell: Callable[[Seen], None], *, machine_every_s: float = 1.0) -> Poller:
        """Start polling lock, workspace, machine and inbox; `tell` is called on the poller's thread."""
        from engine.service.auto_train import AutoTrain
        from engine.service.poller import Poller

        self._auto_train = AutoTrain(self.workspace, self.work)
        self._poller = Poller(
            self.workspace, self._auto_train, tell, idle=self._nobody_trains, machine_every_s=machine_every_s
        )
        self._poller.start()
        return self._poller

    def close(self, *, finish_training: bool = False) -> None:
        """Stop all work and wait for it: what writes is waited for until nothing of it is torn.

        Training stops after its step with a checkpoint, or is finished first with `finish_training`.
        """
        with self._lock:
            self._closed = True
            chats, self._chats = self._chats, []
        if self._poller is not None:
            self._poller.close()
        if (beside := self.beside) is not None:
            beside.cancel()
        for chat in chats:
            chat.cancel()
            chat.close()
        if (training := self.training) is not None:
            if not finish_training:
                training.cancel()
            training.wait()
        # Writing runs to its end; work that only reads or answers may be abandoned.
        self._lane.close(_SAFE_POINT_S)

    # Implementation

    def _nobody_trains(self) -> bool:
        return self.training is None and (self._poller is None or self._poller.holder is None)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _config(self) -> Config:
        return self.work.config(self.workspace.root)

    def _train(self, request: TrainRequest, config: Config | None) -> Job | Refusal:
        if self.training is not None:
            return Refusal("a run is going on", "s stops it with a checkpoint")
        try:
            config = config or self._config()
            session = self.work.session(self.workspace, config, self, polite=self._polite)
        except (LunaError, LedgerError) as error:
            where = f"{error.where}: " if error.where else ""
            return Refusal(f"{where}{error.title}", error.hint, error)
        job = self._training = Job(self._next(), request, "training", session.stop)
        session.start()
        future = session.train(request)
        session.close(timeout_s=0)  # it ends after this one request
        future.add_done_callback(lambda ended: self._trained(job, request, ended))
        return job

    def _trained(self, job: Job, request: TrainRequest, ended: Future[TrainOutcome]) -> None:
        error = ended.exception()
        if error is not None:
            job.fail(error)
            return
        if request.by_itself and self._auto_train is not None:
            self._auto_train.note(ended.result())
        job.succeed(ended.result())

    def _do(
        self, job: Job, control: Control, config: Config | None, progress: ProgressCallback | None, show: Show | None
    ) -> None:
        self.put(JobEvent(job, "began"))
        report = JobReporter(job, self.put)

        def advance(done: int, total: int, part: str = "") -> None:
            control.check()
            report(done, total, part)
            if progress is not None:
                progress(done, total, part)

        try:
            control.check()
            job.succeed(self._carry_out(job.request, config, advance, control, show))
        except BaseException as error:  # any error must reach whoever waits for the job
            job.fail(error)
        self.put(JobEvent(job, "ended"))

    def _carry_out(
        self, request: Request, config: Config | None, progress: ProgressCallback, control: Control, show: Show | None
    ) -> Any:
        work, workspace = self.work, self.workspace
        if isinstance(request, VerifyRequest):
            return work.verify(workspace, progress=progress)
        if isinstance(request, TaskRequest):
            return request.work(progress, control)
        config = config or self._config()
        if isinstance(request, EvaluateRequest):
            return work.evaluate(workspace, config, request.ref, progress=progress, control=control, only=request.only)
        if isinstance(request, FillMatrixRequest):
            return work.fill_matrix(workspace, config, request.ref, progress=progress, control=control, show=show)
        if isinstance(request, PreviewRequest):
            return work.preview(workspace, config, request.request, progress=progress, control=control)
        if isinstance(request, ImportRequest):
            return work.bring_in(workspace, config, request, progress=progress)
        assert isinstance(request, ExportRequest)
        return work.export(
            workspace,
            config,
            request.ref,
            request.target,
            request.directory,
            progress=progress,
            control=control,
            force=request.force,
        )

    def _unexpected(self, error: BaseException) -> None:
        from engine.core.error_mapping import keep_traceback

        keep_traceback(error, self.workspace.runs / "engine.log")
