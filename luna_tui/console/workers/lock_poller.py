"""A thread that looks at the workspace's lock and at the machine, a few times a second, off the screen's path."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from luna_tui.console.state.events import MachineSampled, Noted, WorkspaceMissing
from luna_tui.console.workers.worker import Tell

if TYPE_CHECKING:
    from engine.workspace.attach import Holder
    from engine.workspace.layout import Workspace

_LOCK_EVERY_S = 0.5
# Where nothing happens, the machine is looked at so much more seldom: a sample makes the screen draw.
_CALM_TIMES = 15
_CALM_AFTER_S = 10.0


class LockPoller:
    """`holder` is who holds the workspace beside this process, None when nobody does."""

    def __init__(
        self, workspace: Workspace, tell: Tell, *, machine_every_s: float, need_disk: Callable[[], int | None]
    ) -> None:
        self.holder: Holder | None = None
        self._workspace, self._tell, self._need_disk = workspace, tell, need_disk
        self._machine_every = machine_every_s
        self._stirred = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="luna-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stir(self) -> None:
        """Something happens: look at the machine as often as was asked for, for the next ten seconds."""
        self._stirred = time.monotonic()

    def _machine_is_due(self, waited: float) -> bool:
        calm = time.monotonic() - self._stirred > _CALM_AFTER_S
        return waited >= self._machine_every * (_CALM_TIMES if calm else 1)

    def close(self) -> None:
        """End soon."""
        self._end.set()

    def _watch(self) -> None:
        from engine.diagnostics.resource_monitor import ResourceHistory, ResourceMonitor, warnings
        from engine.workspace.attach import lock_holder

        machine, history, waited = ResourceMonitor(self._workspace.root), ResourceHistory(), self._machine_every
        missing = False
        while not self._end.is_set():
            missing = self._tell_if_missing(before=missing)
            found = lock_holder(self._workspace)
            self.holder = found if found is not None and found.pid != os.getpid() else None
            if self._machine_is_due(waited):
                waited = 0.0
                sample = machine.sample()
                history = history.add(sample)
                self._tell(MachineSampled(sample, warnings(history, self._need_disk())))
            waited += _LOCK_EVERY_S
            self._end.wait(_LOCK_EVERY_S)

    def _tell_if_missing(self, *, before: bool) -> bool:
        """Whether the workspace is gone now; told when that has changed."""
        missing = not self._workspace.config_path.is_file()
        if missing != before:
            self._tell(WorkspaceMissing(missing))
            root = self._workspace.root
            if missing:
                hint = "put it back where it was, or leave and open it where it is now: luna-tui -w DIR"
                self._tell(Noted("error", f"{root}: the workspace was moved or deleted", hint))
            else:
                self._tell(Noted("info", f"{root} is there again"))
        return missing
