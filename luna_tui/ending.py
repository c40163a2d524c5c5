"""What errors become at the end of a process: a clear message and the right exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def ending() -> Generator[None]:
    """Turn what a command raises into words on stderr and the process's exit."""
    for stream in (sys.stdout, sys.stderr):
        # Whatever a file or a model says must come out somehow, in any locale.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader has left. Python would complain when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except Exception as error:
        from engine.errors import LunaError
        from ledger.errors import LedgerError
        from luna_tui.problems import exit_code_of, show_error, show_unexpected

        if isinstance(error, LunaError | LedgerError):
            show_error(error)
            sys.exit(exit_code_of(error))
        show_unexpected(error)
        sys.exit(1)
