"""One call of luna-tui: its workspace and its engine. It imports no command-line library, so the console can start
without one.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from luna_tui.cli.where import workspace_at
from luna_tui.common.engine_facade import EngineFacade

if TYPE_CHECKING:
    from engine.workspace.layout import Workspace


@dataclass(slots=True)
class Invocation:
    """One call of `luna-tui`; `named` is the workspace as the user wrote it, None for the current directory."""

    engine: EngineFacade = field(default_factory=EngineFacade)
    named: Path | None = None

    @property
    def root(self) -> Path:
        """The workspace's directory, searched upwards from the named path; it may not exist."""
        return workspace_at(self.named or Path("."))

    def workspace(self) -> Workspace:
        """Open the workspace; raises UsageError when there is none."""
        from engine.workspace.layout import Workspace

        return Workspace.open(self.root)

    def command(self, rest: str) -> str:
        """Return a command that the user can paste: `luna-tui -w demo chat HEAD`."""
        where = f" -w {shlex.quote(str(self.named))}" if self.named else ""
        return f"luna-tui{where} {rest}"
