"""Follows the run that the console shows: this process's own or another process's; and collects its events."""

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
    """Takes this process's events through `put`, and another process's from its journal.

    `run` is the training of this process whose end has not been reported yet.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.run: Job | None = None
        self.mode = ModeChanged("idle")
        self._workspace = workspace
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._tail: JournalTail | None = None

    def put(self, event: Event) -> None:
        """Queue an event of this process's run."""
        self._events.put(event)

    def began(self, run: Job) -> ModeChanged:
        """Follow a training run of this process from now on, and return the new mode."""
        self.run, self._tail = run, None
        self.mode = ModeChanged("owner")
        return self.mode

    def mode_now(self, holder: Holder | None) -> ModeChanged:
        """Return the current mode; call it before `told`, so that all events of a run that has ended are queued by
        then.
        """
        if self.run is not None:
            if not self.run.done:
                return ModeChanged("owner")
            self.run = None
        if holder is not None and holder.purpose == "training":
            return ModeChanged("viewer", holder.pid, holder.purpose)
        return ModeChanged("idle")

    def told(self) -> list[Event]:
        """Return the run's events since the last call."""
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
        """Set the mode, after all events of the previous one were read; return whether it has changed."""
        if mode == self.mode:
            return False
        self.mode, self._tail = mode, None
        return True
