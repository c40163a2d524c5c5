"""The one thread that polls what sends no events: the lock, the workspace, the machine, the inbox."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.models.disk_budget import disk_needed
from engine.workspace.attach import Holder, lock_holder
from engine.workspace.layout import Workspace

if TYPE_CHECKING:
    from engine.diagnostics.resource_monitor import ResourceHistory, ResourceMonitor, ResourceSample
    from engine.service.auto_train import AutoTrain, Decision

_LOOK_EVERY_S = 0.5
_KARMA_EVERY_S = 3.0
# While nothing happens, the machine is sampled this many times less often: a sample makes the screen redraw.
_CALM_TIMES = 15
_CALM_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """One sample of the machine, and the warnings that follow from it."""

    sample: ResourceSample
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkspaceSeen:
    """The workspace's folder has disappeared (`there` is False), or has come back."""

    there: bool


@dataclass(frozen=True, slots=True)
class Earned:
    """What the inbox has earned, and whether a generation may begin by itself here."""

    decision: Decision
    starts: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """A poll failed; sent once for each error, until a poll succeeds again."""

    error: Exception


Seen = MachineSeen | WorkspaceSeen | Earned | Trouble


class Poller:
    """Polls until it is closed; no exception ends it.

    `holder` is the other process that holds the workspace, if any. `tell` is called on the poller's thread. `idle`
    returns whether the inbox is worth a poll: true while nobody trains.
    """

    def __init__(
        self,
        workspace: Workspace,
        auto_train: AutoTrain,
        tell: Callable[[Seen], None],
        *,
        idle: Callable[[], bool],
        machine_every_s: float = 1.0,
    ) -> None:
        self.holder: Holder | None = None
        self._workspace, self._auto_train, self._tell, self._idle = workspace, auto_train, tell, idle
        self._machine_every = machine_every_s
        self._stirred = time.monotonic()
        self._there = True
        self._sampled_at = -float("inf")
        self._karma_due = 0.0
        self._monitor: ResourceMonitor | None = None
        self._history: ResourceHistory | None = None
        self._troubles: dict[str, str] = {}
        self._wake = threading.Event()
        self._end = False
        self._thread = threading.Thread(target=self._poll, name="luna-poller", daemon=True)

    def start(self) -> None:
        """Start the poller's thread, which polls at once."""
        self._thread.start()

    def stir(self) -> None:
        """Note activity: for the next ten seconds the machine is sampled at the full rate."""
        self._stirred = time.monotonic()

    def look_now(self) -> None:
        """Poll the inbox at once, since its content has just been changed by this process."""
        self._karma_due = 0.0
        self._wake.set()

    def close(self) -> None:
        """Stop polling; the thread ends by itself and is not waited for."""
        self._end = True
        self._wake.set()

    def _poll(self) -> None:
        looks = (self._look_at_workspace, self._look_at_lock, self._look_at_machine, self._look_at_inbox)
        while not self._end:
            self._wake.clear()
            for look in looks:
                self._guarded(look)
            self._wake.wait(_LOOK_EVERY_S)

    def _guarded(self, look: Callable[[], None]) -> None:
        """Run one poll and report what it raises.

        A poller that dies silently leaves a screen that shows the past as the present.
        """
        try:
            look()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if self._troubles.get(look.__name__) != said:
                self._troubles[look.__name__] = said
                self._tell(Trouble(error))
        else:
            self._troubles.pop(look.__name__, None)

    def _look_at_workspace(self) -> None:
        there = self._workspace.config_path.is_file()
        if there != self._there:
            self._there = there
            self._tell(WorkspaceSeen(there))

    def _look_at_lock(self) -> None:
        found = lock_holder(self._workspace)
        self.holder = found if found is not None and found.pid != os.getpid() else None

    def _look_at_machine(self) -> None:
        from engine.diagnostics.resource_monitor import ResourceHistory, ResourceMonitor, warnings

        now = time.monotonic()
        calm = now - self._stirred > _CALM_AFTER_S
        if now - self._sampled_at < self._machine_every * (_CALM_TIMES if calm else 1):
            return
        self._sampled_at = now
        self._monitor = self._monitor or ResourceMonitor(self._workspace.root)
        sample = self._monitor.sample()
        self._history = (self._history or ResourceHistory()).add(sample)
        self._tell(MachineSeen(sample, tuple(warnings(self._history, disk_needed(self._workspace)))))

    def _look_at_inbox(self) -> None:
        from engine.core.errors import LunaError
        from ledger.errors import LedgerError

        now = time.monotonic()
        if now < self._karma_due or not self._idle():
            return
        asked, self._karma_due = self._karma_due == 0.0, now + _KARMA_EVERY_S
        try:
            decision = self._auto_train.look(now=asked)
            starts = decision is not None and self._auto_train.config.age_up.in_console
        except (LunaError, LedgerError, OSError):
            return  # reported by whoever reads the lineage or luna.toml, not every few seconds
        if decision is not None:
            self._tell(Earned(decision, starts))
