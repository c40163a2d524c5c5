"""The entry point: bare `luna-tui` in a terminal opens the console at once, everything else goes to the command line.

The console does not import the command-line library, because the user waits for the first paint.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from luna_tui.cli.exit import ending
from luna_tui.common.environment import prepare_environment, require_docstrings


def main() -> None:
    """Run luna-tui on this process's arguments and exit."""
    arguments = sys.argv[1:]
    from luna_tui.cli.commands.console import can_open

    if not is_bare(arguments) or not can_open():
        from luna_tui.cli.app import main as command_line

        command_line()
        return
    prepare_environment()
    with ending():
        require_docstrings()
    gc.disable()  # until the first paint, which it would delay by a twentieth; LunaApp enables it again
    from luna_tui.cli.calling import Invocation
    from luna_tui.cli.commands.console import open_console
    from luna_tui.common.engine_facade import EngineFacade

    with ending():
        sys.exit(open_console(Invocation(EngineFacade(), named_workspace(arguments, os.environ))))


def is_bare(arguments: Sequence[str]) -> bool:
    """Return whether there is no command, at most the workspace option in its plain spelling."""
    return not arguments or (
        len(arguments) == 2 and arguments[0] in ("-w", "--workspace") and not arguments[1].startswith("-")
    )


def named_workspace(arguments: Sequence[str], env: Mapping[str, str]) -> Path | None:
    """Return the workspace as the user wrote it; None for the current directory."""
    named = arguments[1] if arguments else env.get("LUNA_WORKSPACE", "")
    return Path(named) if named and named != "." else None
