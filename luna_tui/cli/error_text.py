"""Error messages for the user: what failed, where, and how to fix it; tracebacks go to a file."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from engine.core.errors import LunaError
from ledger.errors import LedgerBadInput, LedgerDamaged, LedgerError
from luna_tui.common.safe_text import safe_text


def exit_code_of(error: BaseException) -> int:
    """Return the exit code for an error; 1 for an error without a code of its own."""
    if isinstance(error, LunaError):
        return error.exit_code
    if isinstance(error, LedgerDamaged):
        return 4
    if isinstance(error, LedgerBadInput):
        return 2
    # A usage error of the command-line library carries its own exit code.
    return int(getattr(error, "exit_code", 1))


def write_error(error: BaseException) -> None:
    """Write an error as the one JSON object that ends a call with --json."""
    from luna_tui.cli.json_output import write_json

    write_json(error_object(error))


def error_object(error: BaseException) -> dict[str, str | int]:
    """Return an error as `{"error", "where", "hint", "exit_code"}`."""
    usage = getattr(error, "format_message", None)
    if usage is not None:
        path = getattr(getattr(error, "ctx", None), "command_path", "luna-tui")
        title, where, hint = str(usage()), path, f"see: {path} --help"
    elif isinstance(error, LunaError | LedgerError):
        title, where, hint = error.title, error.where, error.hint
    else:
        title, where, hint = _in_one_line(error), "", "this is a defect of luna; the traceback is in the log on stderr"
    return {"error": title, "where": where, "hint": hint, "exit_code": exit_code_of(error)}


def show_error(error: LunaError | LedgerError) -> None:
    """Print on stderr what is wrong, where, and what to do."""
    show_failure(error.title, where=error.where, hint=error.hint)


def show_failure(title: str, *, where: str = "", hint: str = "") -> None:
    """Print on stderr what failed; all three texts may contain data and are made safe to show."""
    from rich.text import Text

    from luna_tui.common.terminal import stderr_console

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
    """Print an unexpected error in one line, and the path of the file with its traceback."""
    what = _in_one_line(error)
    try:
        where = f"the traceback is in {_log_traceback(error)}"
    except OSError:
        where = "no log could be written"
    show_failure(f"something unexpected happened ({what}); {where}")


def _in_one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def _log_traceback(error: BaseException) -> Path:
    import platformdirs

    from luna_tui.common.environment import own_version

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
