"""What a person sees when something fails: what, where, and how to mend it; a traceback goes to a file."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from engine.errors import LunaError
from ledger.errors import LedgerBadInput, LedgerDamaged, LedgerError
from luna_tui.safe_text import safe_text


def exit_code_of(error: BaseException) -> int:
    """The exit code that stands for an error."""
    if isinstance(error, LunaError):
        return error.exit_code
    if isinstance(error, LedgerDamaged):
        return 4
    if isinstance(error, LedgerBadInput):
        return 2
    return 1


def show_error(error: LunaError | LedgerError) -> None:
    """Say on stderr what is wrong, where, and what to do."""
    show_failure(error.title, where=error.where, hint=error.hint)


def show_failure(title: str, *, where: str = "", hint: str = "") -> None:
    """Say on stderr what failed; all three texts may come from data."""
    from rich.text import Text

    from luna_tui.terminal import stderr_console

    console = stderr_console()
    text = Text.assemble(("error: ", "bold red"))
    if where:
        text.append(f"{safe_text(where)}: ", "bold")
    text.append(safe_text(title))
    console.print(text, soft_wrap=True)
    for number, part in enumerate(hint.splitlines()):
        console.print(
            Text.assemble(("  fix: " if number == 0 else "       ", "bold green"), safe_text(part)), soft_wrap=True
        )


def show_unexpected(error: BaseException) -> None:
    """Say in one line what happened and where the traceback is."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    try:
        where = f"the traceback is in {_log_traceback(error)}"
    except OSError:
        where = "no log could be written"
    show_failure(f"something unexpected happened ({what}); {where}")


def _log_traceback(error: BaseException) -> Path:
    import platformdirs

    from luna_tui.environment import own_version

    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    report = f"luna-tui {own_version()}, Python {sys.version.split()[0]}\n{' '.join(sys.argv[1:])}\n\n{text}"
    for folder in (Path(platformdirs.user_log_dir("luna-tui", appauthor=False)), Path(tempfile.gettempdir())):
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(report, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    raise OSError("no folder for logs is writable")
