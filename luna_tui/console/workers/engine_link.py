"""The console's link to the engine: intents become requests, and whatever happens becomes events for the screen.

No work is done here: the engine decides at once whether a request may start, and owns the threads. Another process's
run is read from its journal; both yield the same events, which `poll` returns in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from engine.core.gen_label import gen_label
from engine.pipeline.request import TrainRequest
from engine.service.jobs import Job, JobEvent, Refusal
from engine.service.requests import (
    EvaluateRequest,
    ExportRequest,
    FillMatrixRequest,
    ImportRequest,
    Request,
    VerifyRequest,
)
from luna_tui.common.engine_facade import EngineFacade
from luna_tui.console.state.events import ConsoleEvent, KarmaRead, MachineSampled, MatrixLoaded, Noted
from luna_tui.console.workers.chat_store import ChatStore
from luna_tui.console.workers.chat_worker import ChatWorker
from luna_tui.console.workers.chats_link import ChatsLink
from luna_tui.console.workers.import_link import ImportLink
from luna_tui.console.workers.job_words import job_events
from luna_tui.console.workers.loader import Loader
from luna_tui.console.workers.preview_link import PreviewLink
from luna_tui.console.workers.question_link import QuestionLink
from luna_tui.console.workers.run_follower import RunFollower

if TYPE_CHECKING:
    from engine.core.events import Event
    from engine.evaluation.evaluate import Eval
    from engine.service.poller import Poller, Seen


class EngineLink(QuestionLink, ChatsLink, PreviewLink, ImportLink):
    """The link of one console to one workspace."""

    def __init__(self, facade: EngineFacade, root: Path, *, machine_every_s: float = 1.0) -> None:
        from engine.workspace.layout import Workspace

        self._facade = facade
        self._workspace = Workspace.open(root)
        self._engine = facade.open(self._workspace, polite=True)
        self._engine.subscribe(self._hear)
        self._news: SimpleQueue[ConsoleEvent] = SimpleQueue()
        self._log = self._workspace.runs / "console.log"
        self._machine_every_s = machine_every_s
        self._loader = Loader(facade, self._workspace, self._engine.read, self._news.put, self._log)
        self._chat = ChatWorker(self._engine, self._news.put, self._log, ChatStore(self._workspace, self._news.put))
        self._poller: Poller | None = None
        self._follower = RunFollower(self._workspace)
        self._beside: Job | None = None
        self._painted = False

    @property
    def root(self) -> Path:
        """The workspace's directory."""
        return self._workspace.root

    @property
    def name(self) -> str:
        """The workspace directory's name, not yet made safe to show."""
        return self._workspace.root.name

    @property
    def run(self) -> Job | None:
        """The training run of this process whose end has not been reported yet."""
        return self._follower.run

    @property
    def trains(self) -> bool:
        """Whether this process is training at this moment."""
        return self._engine.training is not None

    @property
    def job_label(self) -> str:
        """The label of the job in progress beside training; empty without one."""
        job = self._engine.beside
        return job.label if job is not None else ""

    def start(self) -> None:
        """Start reading the outline of the lineage, which the first paint shows."""
        self._loader.outline()

    def _hear(self, event: Event | JobEvent) -> None:
        if isinstance(event, JobEvent):
            for news in job_events(event, self._log):
                self._news.put(news)
            if event.what == "ended" and isinstance(event.job.request, ImportRequest):
                self._look_at_inbox()
        else:
            self._follower.put(event)

    def poll(self) -> Sequence[Event | ConsoleEvent]:
        """Return all events since the last call."""
        if not self._painted:
            found = self._drained()
            self._painted = bool(found)
            return found
        poller = self._poller or self._watch()
        # The mode is read first: once a run has ended, all its events are in the queues, and its end is reported last.
        mode = self._follower.mode_now(poller.holder)
        happened: list[Event | ConsoleEvent] = [*self._drained(), *self._follower.told()]
        if self._follower.changed(mode):
            happened.append(mode)
        if mode.mode != "idle" or not all(isinstance(e, MachineSampled | KarmaRead) for e in happened):
            poller.stir()
        return happened

    def _watch(self) -> Poller:
        from luna_tui.console.workers.seen_words import poller_events  # not needed for the first paint

        self._loader.settings()
        self.load_lineage()
        root = self._workspace.root

        def tell(seen: Seen) -> None:
            for news in poller_events(seen, root, self._log):
                self._news.put(news)

        self._poller = self._engine.watch(tell, machine_every_s=self._machine_every_s)
        return self._poller

    def _drained(self) -> list[Event | ConsoleEvent]:
        found: list[Event | ConsoleEvent] = []
        with suppress(Empty):
            while True:
                found.append(self._news.get_nowait())
        return found

    # Reading

    def load_lineage(self) -> None:
        """Read the whole lineage again."""
        self._loader.lineage()

    def load_evaluation(self, ref: str) -> None:
        """Read the recorded evaluation of a generation."""
        self._loader.evaluation(ref)

    def load_matrix(self, ref: str) -> None:
        """Read the forgetting matrix, with the cells that are known so far."""
        self._loader.matrix(ref)

    def load_curve(self, gen: int) -> None:
        """Read the loss curve from the journal of the run that made a generation."""
        self._loader.curve(gen)

    def load_details(self, gen: int) -> None:
        """Read the manifest of a generation."""
        self._loader.details(gen)

    # Requests

    def evaluate(self, ref: str, only: Eval | None = None) -> bool:
        """Evaluate a generation again, on all three evals or on the `only` one; return whether the job starts."""
        return self._submit(EvaluateRequest(ref, only)) is not None

    def fill_matrix(self, ref: str) -> bool:
        """Compute the missing cells of a forgetting matrix, shown one by one; return whether the job starts."""
        return self._submit(FillMatrixRequest(ref)) is not None

    def verify(self) -> bool:
        """Recompute and check every hash; return whether the job starts."""
        return self._submit(VerifyRequest()) is not None

    def export(self, ref: str, target: str, directory: Path) -> bool:
        """Write a generation for another program; return whether the job starts."""
        return self._submit(ExportRequest(ref, target, directory)) is not None

    def cancel_job(self) -> None:
        """Cancel the job beside training, at its next safe point."""
        if self._beside is not None:
            self._engine.cancel(self._beside.id)

    def train(self, request: TrainRequest) -> bool:
        """Start training, and return whether it starts; luna.toml is read again each time."""
        job = self._submit(request)
        if job is None:
            return False
        self._news.put(self._follower.began(job))
        return True

    def _submit(self, request: Request) -> Job | None:
        """Submit a request; report a refusal, which the engine decides regardless of what the screen last showed."""

        def show(matrix: Mapping[str, object]) -> None:
            if isinstance(request, FillMatrixRequest):
                self._news.put(MatrixLoaded(request.ref, matrix))

        answer = self._engine.submit(request, show=show)
        if isinstance(answer, Job) and not isinstance(request, TrainRequest):
            self._beside = answer
        if isinstance(answer, Refusal):
            self._news.put(Noted("error" if answer.cause else "warning", answer.reason, answer.hint))
            return None
        return answer

    def stop(self) -> None:
        """Stop the run after its current step, with a checkpoint; another process is asked through a file."""
        if (run := self.run) is not None:
            run.cancel()
        else:
            self._loader.do(self._ask_other_to_stop)

    def _ask_other_to_stop(self) -> None:
        asked = self._facade.request_stop(self._workspace)
        if asked is not None:
            self._news.put(Noted("info", f"asked process {asked.pid} to stop after this step"))
        else:
            self._news.put(Noted("warning", "nobody trains here any longer"))

    def rollback(self, ref: str, reason: str) -> None:
        """Move HEAD to a generation, then read the lineage again."""

        def move() -> None:
            moved = self._facade.rollback(self._workspace, ref, reason=reason)
            names = [gen_label(moved[side]) for side in ("from", "to")]
            self._news.put(Noted("info", f"HEAD moved from {names[0]} to {names[1]}"))
            self._loader.read_lineage()

        self._loader.do(move)

    # Configuration and leaving

    def config_text(self) -> str:
        """Return the text of luna.toml."""
        return self._workspace.config_path.read_text(errors="replace")

    def config_problem(self) -> Mapping[str, str] | None:
        """Return the error in luna.toml (`title`, `where`, `hint`), None when it is valid."""
        from engine.core.errors import LunaError

        try:
            self._facade.config(self.root)
        except LunaError as error:
            return {"title": error.title, "where": error.where, "hint": error.hint}
        return None

    def reload_config(self) -> None:
        """Read luna.toml again for what the screen shows of it."""
        self._loader.settings()

    def hand_over(self) -> int | None:
        """Stop with a checkpoint and let a separate process continue; return its pid, None if nothing is left to do.

        Raises LunaError when that process does not start.
        """
        from luna_tui.common.handover import hand_over, train_flags

        run = self.run
        if run is None or not isinstance(run.request, TrainRequest):
            return None
        run.cancel()
        finished = run.result().finished
        left = run.request.generations - sum(event.verdict == "accepted" for event in finished)
        if left < 1 or not finished or finished[-1].verdict != "interrupted":
            return None
        resume = self._facade.can_resume(self._workspace, finished[-1].run)
        arguments = train_flags(run.request, begun=len(finished) > 1 or resume)
        run_id = finished[-1].run if resume else ""
        return hand_over(self.root, generations=left, resume=resume, arguments=arguments, run=run_id)

    def close(self, *, wait: bool) -> None:
        """Close the link: finish this process's run first (`wait`), or stop it with a checkpoint."""
        self._chat.close()
        self._engine.close(finish_training=wait)
