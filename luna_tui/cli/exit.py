"""The end of a process: errors become a message on stderr, under --json an object on stdout, and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

_SIGPIPE_CODE = 141
"""What a shell reports of a program that SIGPIPE ended: the reader of a pipe has left, which is no failure of ours."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def ending() -> Generator[None]:
    """Convert any exception of a command into a message on stderr and the process's exit code."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - `luna-tui lineage >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process
    for stream in (sys.stdout, sys.stderr):
        # Text of a file or a model must be printable in any locale.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        with _everything_written():
            yield
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _let_go_of_stdout()
        sys.exit(_SIGPIPE_CODE)
    except Exception as error:
        with suppress(OSError):  # stderr may be full or closed as well
            _report_error(error)
        from luna_tui.cli.error_text import exit_code_of

        sys.exit(exit_code_of(error))


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a call asks for JSON, even a call whose arguments are otherwise invalid."""
    given = list(arguments)
    return "--json" in (given[: given.index("--")] if "--" in given else given)


@contextmanager
def _everything_written() -> Generator[None]:
    """Flush stdout before the exit, while a full disk or a closed pipe can still be reported."""
    try:
        yield
    except SystemExit as end:
        # The command-line library turns a broken pipe into an exit with a failure code.
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _report_error(error: Exception) -> None:
    from engine.core.errors import LunaError
    from ledger.errors import LedgerError
    from luna_tui.cli.error_text import show_error, show_unexpected, write_error

    if isinstance(error, OSError) and error.errno in _FULL:
        _let_go_of_stdout()
        error = LunaError("no space left", where=str(error.filename or "stdout"), hint="make room, or write elsewhere")
    if wants_json(sys.argv[1:]):
        with suppress(OSError):
            write_error(error)
    if isinstance(error, LunaError | LedgerError):
        show_error(error)
    elif hasattr(error, "format_message"):
        from typer.rich_utils import rich_format_error

        rich_format_error(error)  # pyright: ignore[reportArgumentType]
    else:
        show_unexpected(error)


def _let_go_of_stdout() -> None:
    """Redirect stdout to the null device: Python would report an error when it flushes the buffer at exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
