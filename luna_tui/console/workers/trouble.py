"""Exceptions as notices for the console's user."""

from __future__ import annotations

import traceback
from pathlib import Path

from luna_tui.console.state.events import Noted


def told(error: BaseException, log: Path) -> Noted:
    """Return an exception as a notice; an unexpected one leaves its traceback in the log."""
    from engine.core.errors import LunaError
    from ledger.errors import LedgerError

    if isinstance(error, LunaError | LedgerError):
        where = f"{error.where}: " if getattr(error, "where", "") else ""
        return Noted("error", f"{where}{getattr(error, 'title', error)}", str(getattr(error, "hint", "")))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        pass  # a full disk must not hide the error itself
    return Noted("error", f"{type(error).__name__}: {error}", f"the traceback is in {log}")
