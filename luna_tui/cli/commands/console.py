"""Bare `luna-tui` in a terminal: opens the console, and handles a run whose screen closes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from luna_tui.cli.calling import Invocation

if TYPE_CHECKING:
    from luna_tui.console.app import FrameRate
    from luna_tui.console.workers.engine_link import EngineLink

# Frames per second; over SSH every frame costs bandwidth.
_LOCAL_FRAMES, _SSH_FRAMES = 10.0, 2.0


def can_open(env: dict[str, str] | os._Environ[str] = os.environ) -> bool:
    """Return whether stdin and stdout are a terminal that can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and env.get("TERM", "") not in ("dumb", "unknown", "")


def open_console(call: Invocation) -> int:
    """Run the console until the user leaves it, and return the exit code."""
    pace = frame_rate()
    has_workspace = (call.root / "luna.toml").is_file()
    if call.named is not None and not has_workspace and call.root.exists() and not call.root.is_dir():
        call.workspace()  # raises UsageError with the right message
    from luna_tui.console.app import LunaApp
    from luna_tui.console.driver import LineDriver
    from luna_tui.console.workers.engine_link import EngineLink

    opened: list[EngineLink] = []

    def open_link(directory: Path) -> EngineLink:
        opened.append(EngineLink(call.engine, directory, machine_every_s=4.0 if _over_ssh() else 2.0))
        return opened[-1]

    link = open_link(call.root) if has_workspace else None
    with own_terminal(_log_of(link)) as terminal:
        app = LunaApp(
            link,
            directory=call.root.resolve(),
            open_link=open_link,
            make_workspace=call.engine.init_workspace,
            pace=pace,
            driver=LineDriver,
        )
        leave = app.run()
        if leave == "hangup":
            return _finish_alone(opened)
        if app.return_code:
            # The screen failed, not the run; the run continues without it.
            log = _log_of(opened[-1] if opened else None)
            print(f"the console broke: this is a defect of luna; the traceback is in {log}", file=terminal)
            _leave(opened, "headless", terminal, call)
            return 1
        return _leave(opened, leave or "done", terminal, call)


def frame_rate() -> FrameRate:
    """Return the display options for this terminal; must be called before Textual is imported."""
    # Textual reads these at import time. Luna shows no animations, on any connection.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_FPS", "30" if _over_ssh() else "60")
    from luna_tui.common.terminal import needs_ascii
    from luna_tui.console.app import FrameRate

    linux = os.environ.get("TERM") == "linux"
    return FrameRate(
        frames=_SSH_FRAMES if _over_ssh() else _LOCAL_FRAMES,
        ascii=needs_ascii(sys.stdout.encoding),
        theme=os.environ.get("LUNA_THEME", "luna-16" if linux else "luna-dark"),
    )


def _over_ssh() -> bool:
    return any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def _log_of(link: EngineLink | None) -> Path:
    from platformdirs import user_state_path

    return link.root / "runs" / "console.log" if link is not None else user_state_path("luna-tui") / "console.log"


@contextmanager
def own_terminal(log: Path) -> Iterator[IO[str]]:
    """Yield a duplicate of the terminal for Textual; output of libraries and child processes goes to the log."""
    from luna_tui.common.quiet_output import quiet_output
    from luna_tui.console.driver import LossyLine

    kept = sys.__stdout__, sys.__stderr__
    with quiet_output(log) as streams:
        # With `luna-tui 2>errors` only stdout is the terminal.
        terminal = streams.err if streams.err.isatty() else streams.out
        # Textual takes the terminal's size from one of these and draws on the other.
        sys.__stdout__ = sys.__stderr__ = LossyLine(terminal)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield terminal
        finally:
            sys.__stdout__, sys.__stderr__ = kept  # pyright: ignore[reportAttributeAccessIssue]


def _finish_alone(opened: list[EngineLink]) -> int:
    """After the terminal is lost, finish this process's run without a screen, then exit the process."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for link in opened:
        link.close(wait=True)
    os._exit(0)  # exits without flushing: nothing can be written to a closed terminal


def _leave(opened: list[EngineLink], leave: str, terminal: IO[str], call: Invocation) -> int:
    """Apply the user's choice about a run in progress and print how to come back; errors reach the command line's
    handler.
    """
    for link in opened:
        if leave == "headless" and link.run is not None:
            print("handing over to a process of its own, after this step …", file=terminal, flush=True)
            try:
                pid = link.hand_over()
            finally:
                link.close(wait=False)  # an export beside the run must not be torn by the end of this process
            said = f"process {pid} goes on with it; look in again with" if pid else "it has ended meanwhile; look with"
            print(f"{said}: {call.command('').strip()}", file=terminal)
        elif leave == "stop" and link.run is not None:
            print("stopping after this step, with a checkpoint …", file=terminal, flush=True)
            link.close(wait=False)
            print(f"go on with: {call.command('train --resume')}", file=terminal)
        else:
            link.close(wait=False)
    return 0
