"""What the inbox has earned, looked at every few seconds while nobody trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from luna_tui.common.engine_facade import Engine
from luna_tui.console.state.events import KarmaRead
from luna_tui.console.workers.worker import Tell, Worker

if TYPE_CHECKING:
    from engine.config.load import Config
    from engine.workspace.layout import Workspace

_EVERY_S = 3.0
_LOOK_AGAIN_S = 60.0


class KarmaPoller:
    """Tells `KarmaRead` when it has changed, and once a minute for the quiet hours' sake."""

    def __init__(
        self,
        engine: Engine,
        workspace: Workspace,
        worker: Worker,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._workspace, self._worker, self._tell = engine, workspace, worker, tell
        self._clock = clock
        self._next = self._read_at = -float("inf")
        self._looking = False
        self._seen: object = None
        self._config: Config | None = None
        self._config_from: object = None

    def look(self, *, now: bool = False) -> None:
        """Look, if it is time, in the worker's thread; `now` does not wait for the time."""
        if self._looking or (not now and self._clock() < self._next):
            return
        self._looking = True
        self._worker.do(self._look)

    def _settings(self) -> Config:
        """The configuration, read again only when luna.toml has changed: reading takes longer than all the rest."""
        file = self._workspace.config_path.stat()
        came_from = (file.st_mtime_ns, file.st_size, file.st_ino)
        if self._config is None or came_from != self._config_from:
            self._config, self._config_from = self._engine.config(self._workspace.root), came_from
        return self._config

    def _look(self) -> None:
        # A workspace that cannot be read is told of by who reads the lineage or luna.toml, once and not every second.
        from engine.core.errors import LunaError
        from ledger.errors import LedgerError

        try:
            config = self._settings()
            seen = self._engine.age_up_stamp(self._workspace, config)
            if seen == self._seen and self._clock() - self._read_at < _LOOK_AGAIN_S:
                return
            found = self._engine.age_up(self._workspace, config)
            self._seen, self._read_at = seen, self._clock()
            meter = found.meter
            starts = config.age_up.in_console
            self._tell(KarmaRead(meter.karma, meter.needed, found.action, found.why, starts, found.run))
        except (LunaError, LedgerError, OSError):
            self._seen = None
        finally:
            self._next = self._clock() + _EVERY_S
            self._looking = False
