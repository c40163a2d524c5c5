"""One call of luna-tui: the workspace the user meant, and the engine. It knows no command line, so the console starts
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
        """The directory of the workspace, found upwards from where the user is; it may not exist."""
        return workspace_at(self.named or Path("."))

    def workspace(self) -> Workspace:
        """Open the workspace; raises UsageError when there is none."""
        from engine.workspace.layout import Workspace

        return Workspace.open(self.root)

    def command(self, rest: str) -> str:
        """A command the user can paste: `luna-tui -w demo chat HEAD`."""
        where = f" -w {shlex.quote(str(self.named))}" if self.named else ""
        return f"luna-tui{where} {rest}"
