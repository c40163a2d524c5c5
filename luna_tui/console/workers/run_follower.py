"""Whose run the console shows: this process's own, another process's, or nobody's; and what that run tells."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from engine.service.jobs import Job
from luna_tui.console.state.events import ModeChanged

if TYPE_CHECKING:
    from engine.core.events import Event
    from engine.workspace.attach import Holder, JournalTail
    from engine.workspace.layout import Workspace


class RunFollower:
    """Takes this process's events by `put`, and another's out of its journal; `run` is the training of this process
    whose end has not been told yet.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.run: Job | None = None
        self.mode = ModeChanged("idle")
        self._workspace = workspace
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._tail: JournalTail | None = None

    def put(self, event: Event) -> None:
        """Take an event of this process's run."""
        self._events.put(event)

    def began(self, run: Job) -> ModeChanged:
        """Follow a training of this process from now on; returns the mode that this is."""
        self.run, self._tail = run, None
        self.mode = ModeChanged("owner")
        return self.mode

    def mode_now(self, holder: Holder | None) -> ModeChanged:
        """Return the mode; asked before `told`, since whatever a run that has ended told is there by then."""
        if self.run is not None:
            if not self.run.done:
                return ModeChanged("owner")
            self.run = None
        if holder is not None and holder.purpose == "training":
            return ModeChanged("viewer", holder.pid, holder.purpose)
        return ModeChanged("idle")

    def told(self) -> list[Event]:
        """Return what the run has told since the last call."""
        found: list[Event] = []
        with suppress(Empty):
            while True:
                found.append(self._events.get_nowait())
        if self.mode.mode == "viewer":
            if self._tail is None:
                from engine.workspace.attach import JournalTail

                self._tail = JournalTail(self._workspace)
            found.extend(self._tail.poll())
        return found

    def changed(self, mode: ModeChanged) -> bool:
        """Take in the mode, once all that the one before had to tell has been read; whether it is another."""
        if mode == self.mode:
            return False
        self.mode, self._tail = mode, None
        return True
