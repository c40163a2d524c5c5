"""The console's link to the real engine: reads, jobs and chat in threads of their own, training in the engine's.

What happens here comes out of the engine's queue; what another process does, out of its journal. Both are the same
events, and `poll` hands them over in order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from textwrap import shorten
from typing import TYPE_CHECKING

from luna_tui.common.engine_facade import ChatSession, Engine, Session
from luna_tui.common.rating import Rating
from luna_tui.console.state.events import (
    AnswerRated,
    ConsoleEvent,
    KarmaRead,
    MachineSampled,
    ModeChanged,
    Noted,
)
from luna_tui.console.state.wishes import ChatOptions, TrainWish
from luna_tui.console.workers.chat_worker import ChatWorker
from luna_tui.console.workers.jobs import JobRunner
from luna_tui.console.workers.karma_poller import KarmaPoller
from luna_tui.console.workers.loader import Loader
from luna_tui.console.workers.lock_poller import LockPoller
from luna_tui.console.workers.worker import Worker, told

if TYPE_CHECKING:
    from engine.config.load import Config
    from engine.core.events import Event
    from engine.evaluation.evaluate import Eval
    from engine.service.session import TrainOutcome
    from engine.workspace.attach import JournalTail


class EngineLink:
    """One workspace, seen and steered from one console."""

    def __init__(self, engine: Engine, root: Path, *, machine_every_s: float = 1.0) -> None:
        from engine.workspace.layout import Workspace

        self._engine = engine
        self._workspace = Workspace.open(root)
        self._news: SimpleQueue[ConsoleEvent] = SimpleQueue()
        self._events: SimpleQueue[Event] = SimpleQueue()
        log = self._workspace.runs / "console.log"
        self._log = log
        self._reads = Worker("luna-reads", self._news.put, log)
        self._reading = Loader(engine, self._workspace, self._reads, self._news.put, log)
        self._jobs = JobRunner(engine, self._workspace, self._news.put, log)
        self._chat = ChatWorker(self._open_talker, self._news.put, log)
        self._watch = LockPoller(
            self._workspace, self._news.put, machine_every_s=machine_every_s, need_disk=self._reading.disk_needed
        )
        self._earning = KarmaPoller(engine, self._workspace, self._reads, self._news.put)
        self._session: Session | None = None
        self._outcome: Future[TrainOutcome] | None = None
        self._wish = TrainWish()
        self._tail: JournalTail | None = None
        self._mode = ModeChanged("idle")
        self._painted = self._watching = False

    @property
    def root(self) -> Path:
        """The workspace's directory."""
        return self._workspace.root

    @property
    def name(self) -> str:
        """The workspace directory's name, raw."""
        return self._workspace.root.name

    def start(self) -> None:
        """Read the outline of the lineage first: what a person wants to see at once."""
        self._reading.outline()

    def poll(self) -> Sequence[Event | ConsoleEvent]:
        """All news since the last call."""
        if not self._painted:
            found = self._drained()
            self._painted = bool(found)
            return found
        self._begin_watching()
        # The mode first: once a run has ended, all it told is in the queues, and its end is the last thing told.
        mode = self._mode_now()
        happened: list[Event | ConsoleEvent] = [*self._drained(), *self._trained()]
        if mode != self._mode:
            self._tail = None  # whatever it had to say has just been read
            self._mode = mode
            happened.append(mode)
        if mode.mode == "idle":
            self._earning.look()
        if mode.mode != "idle" or not all(isinstance(e, MachineSampled | KarmaRead) for e in happened):
            self._watch.stir()
        return happened

    def _begin_watching(self) -> None:
        if self._watching:
            return
        self._watching = True
        self._reading.settings()
        self.load_lineage()
        self._watch.start()

    def _drained(self) -> list[Event | ConsoleEvent]:
        found: list[Event | ConsoleEvent] = []
        with suppress(Empty):
            while True:
                found.append(self._news.get_nowait())
        return found

    def _trained(self) -> list[Event]:
        """Events of training: from the engine's thread here, or from another process's journal."""
        found: list[Event] = []
        with suppress(Empty):
            while True:
                found.append(self._events.get_nowait())
        if self._mode.mode == "viewer":
            if self._tail is None:
                from engine.workspace.attach import JournalTail

                self._tail = JournalTail(self._workspace)
            found.extend(self._tail.poll())
        return found

    def _mode_now(self) -> ModeChanged:
        if self._outcome is not None:
            if not self._outcome.done():
                return ModeChanged("owner")
            self._outcome = None
        holder = self._watch.holder
        if holder is not None and holder.purpose == "training":
            return ModeChanged("viewer", holder.pid, holder.purpose)
        return ModeChanged("idle")

    def load_lineage(self) -> None:
        """Read the whole lineage again."""
        self._reading.lineage()

    def load_evaluation(self, ref: str) -> None:
        """The recorded examination."""
        self._reading.evaluation(ref)

    def load_matrix(self, ref: str) -> None:
        """The forgetting matrix, as far as it is known."""
        self._reading.matrix(ref)

    def load_curve(self, gen: int) -> None:
        """The loss curve out of the journal of the run that made a generation."""
        self._reading.curve(gen)

    def load_details(self, gen: int) -> None:
        """The manifest."""
        self._reading.details(gen)

    def evaluate(self, ref: str, only: Eval | None = None) -> None:
        """Examine a generation now, or in `only` one of the three evals."""
        self._jobs.evaluate(ref, only)

    def fill_matrix(self, ref: str) -> None:
        """Ask for the missing cells of a forgetting matrix."""
        self._jobs.fill_matrix(ref)

    def verify(self) -> None:
        """Recompute every hash."""
        self._jobs.verify()

    def export(self, ref: str, target: str, directory: Path) -> None:
        """Write a generation for another program."""
        self._jobs.export(ref, target, directory)

    def cancel_job(self) -> None:
        """Cancel at its next safe point."""
        self._jobs.cancel()

    def _config(self) -> Config:
        return self._engine.config(self.root)

    # Training

    def train(self, wish: TrainWish) -> None:
        """Ask the engine's thread for generations; luna.toml is read anew each time."""
        try:
            config = self._config()
            fields = {field.name: getattr(wish, field.name) for field in dataclasses.fields(wish)}
            request = self._engine.train_request(**fields)
        except Exception as error:
            self._news.put(told(error, self._log))
            return
        self._wish = wish
        self._tail = None
        self._mode = ModeChanged("owner")
        self._news.put(self._mode)
        self._session = self._engine.session(self._workspace, config, self._events, polite=True)
        self._session.start()
        self._outcome = self._session.train(request)
        self._session.close(timeout_s=0)

    def stop(self) -> None:
        """After this step, with a checkpoint; another process is asked by a file."""
        if self._session is not None and self._outcome is not None:
            self._session.stop()
        else:
            self._reads.do(self._ask_other_to_stop)

    def _ask_other_to_stop(self) -> None:
        asked = self._engine.request_stop(self._workspace)
        if asked is not None:
            self._news.put(Noted("info", f"asked process {asked.pid} to stop after this step"))
        else:
            self._news.put(Noted("warning", "nobody trains here any longer"))

    def rollback(self, ref: str, reason: str) -> None:
        """Move HEAD."""

        def move() -> None:
            moved = self._engine.rollback(self._workspace, ref, reason=reason)
            names = ["base" if moved[side] is None else f"G{moved[side]}" for side in ("from", "to")]
            self._news.put(Noted("info", f"HEAD moved from {names[0]} to {names[1]}"))
            self._reading.read_lineage()

        self._reads.do(move)

    # Chat

    def _open_talker(self, ref: str) -> ChatSession:
        return self._engine.open_chat(self._workspace, self._config(), ref)

    def ask(self, turn: int, prompt: str, refs: Sequence[str], options: ChatOptions, kind: str = "chat") -> None:
        """Send a raw prompt."""
        self._chat.ask(turn, prompt, refs, options, kind)

    def cancel_answers(self) -> None:
        """Stop the answer."""
        self._chat.cancel()

    def rate(self, rating: Rating) -> None:
        """Write a row with karma to the inbox."""

        def write() -> None:
            karma = self._engine.write_rating(self._workspace, rating)
            self._news.put(AnswerRated(rating.turn, rating.index, karma, rating.correction))
            asked = shorten(rating.prompt, 60, placeholder=" ...")
            how = "corrected" if rating.verdict == "corrected" else f"rated {rating.verdict}"
            self._news.put(Noted("info", f"karma {karma:+d} in the inbox: {asked!r} {how}"))
            self._earning.look(now=True)

        self._reads.do(write)

    # Configuration and leaving

    def config_text(self) -> str:
        """luna.toml as it is."""
        return self._workspace.config_path.read_text(errors="replace")

    def config_problem(self) -> Mapping[str, str] | None:
        """What is wrong with luna.toml."""
        from engine.core.errors import LunaError

        try:
            self._config()
        except LunaError as error:
            return {"title": error.title, "where": error.where, "hint": error.hint}
        return None

    def reload_config(self) -> None:
        """Show what luna.toml says now."""
        self._reading.settings()

    @property
    def outcome(self) -> Future[TrainOutcome] | None:
        """How the run of this process will have ended; None when there is none."""
        return self._outcome

    def hand_over(self) -> int | None:
        """Stop with a checkpoint and let a process of its own go on; returns its process id, None if nothing is left.

        Raises LunaError when that process does not start.
        """
        from luna_tui.common.handover import hand_over

        if self._session is None or self._outcome is None:
            return None
        self._session.stop()
        finished = self._outcome.result().finished
        left = self._wish.generations - sum(event.verdict == "accepted" for event in finished)
        if left < 1 or not finished or finished[-1].verdict != "interrupted":
            return None
        resume = self._engine.can_resume(self._workspace, finished[-1].run)
        return hand_over(
            self.root,
            generations=left,
            resume=resume,
            arguments=self._arguments(begun=len(finished) > 1 or resume),
            run=finished[-1].run if resume else "",
        )

    def _arguments(self, *, begun: bool) -> list[str]:
        """The wish as flags; the parent is that of the first generation only."""
        wish = self._wish
        flags = [] if wish.phase == "auto" else ["--phase", wish.phase]
        for flag, value in (("--steps", wish.steps), ("--backend", wish.backend), ("--seed", wish.seed)):
            flags += [] if value is None else [flag, str(value)]
        flags += ["--parent", wish.parent] if wish.parent is not None and not begun else []
        flags += [part for path in wish.data for part in ("--data", str(path))]
        switches = (("--strict", wish.strict), ("--inbox-first", wish.inbox_first))
        return [*flags, *(flag for flag, wanted in switches if wanted)]

    def close(self, *, wait: bool) -> None:
        """Leave: finish the run of this process first (`wait`), or stop it with a checkpoint."""
        self._watch.close()
        self._jobs.cancel()
        self._chat.close()
        if self._outcome is not None:
            if not wait and self._session is not None:
                self._session.stop()
            self._outcome.result()
