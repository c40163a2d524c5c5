"""Track a run through its steps: which is announced, which are done, and how long it all took."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.core.cancellation import Control
from engine.core.events import CheckpointSaved, Emitter, Event, StepChanged
from engine.core.journal import Journal, last_seq
from engine.workspace.runs import STEPS, Run, RunStatus, Status
from ledger.durable import make_durable

LABELS = {
    "prepare": "choosing and splitting the data",
    "train": "training",
    "export": "exporting and checking the GGUF",
    "examine": "examining what was shipped",
    "judge": "judging",
    "record": "recording",
}


class RunTracker:
    """Keeps a run's state on disk while it advances.

    Time is booked at every step's end and at every checkpoint, so that a killed run loses little of it. `emit` writes
    to the journal first, then calls `sinks`; its event numbers continue where the journal ends.
    """

    def __init__(
        self, run: Run, state: RunStatus, journal: Journal, sinks: Sequence[Callable[[Event], None]], control: Control
    ) -> None:
        self.run = run
        self.state = state
        self.emit = Emitter(run.run_id, journal, *sinks, self._on_event, first_seq=last_seq(run.journal) + 1)
        self._control = control
        self._booked = time.monotonic()

    def enter(self, step: str) -> bool:
        """Announce a step and return whether it still has to be done; raises Interrupted on a stop request."""
        self._control.check()
        self.announce(step)
        return step not in self.state.done

    def announce(self, step: str) -> None:
        """Emit the event that a step begins."""
        self.emit(StepChanged, step=step, index=STEPS.index(step) + 1, total=len(STEPS), label=LABELS[step])

    def leave(self, step: str) -> None:
        """Mark a step as done, once its output is on disk."""
        if step in self.state.done:
            return
        if self.run.staging.is_dir():
            make_durable(self.run.staging)
        self.state = self.run.advance(self.state, done=step, seconds=self._elapsed())

    def book(self) -> None:
        """Add the time since the last booking to the run's total."""
        self.state = self.run.advance(self.state, seconds=self._elapsed())

    def end(self, status: Status) -> None:
        """Record the status with which this session of the run ended."""
        self.state = self.run.advance(self.state, status=status, seconds=self._elapsed())

    def finish(self) -> None:
        """Mark the run as finished, once its generation is recorded."""
        self.state = self.run.advance(self.state, status="finished", done="record", seconds=self._elapsed())

    def _elapsed(self) -> float:
        now = time.monotonic()
        seconds, self._booked = now - self._booked, now
        return seconds

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved):
            self.book()
