"""Map any exception to a LunaError that tells the user what to do."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

from engine.core.disk import free_bytes
from engine.core.errors import Damaged, Interrupted, LunaError, UsageError
from ledger.errors import LedgerBadInput, LedgerDamaged, LedgerError

_FULL_BYTES = 4 * 1024**2
"""With less free space than this, an otherwise unexplained error is attributed to the full disk."""

_ROOM = "make room (luna-tui gc shows what can go), then: luna-tui train --resume"


def as_luna_error(error: BaseException, root: Path) -> LunaError:
    """Convert an exception to the LunaError that is shown to the user.

    `root` is the workspace: it is checked for having been moved or deleted, and for a full disk.
    """
    if _is_gone(root) and not isinstance(error, KeyboardInterrupt | SystemExit | LunaError):
        return LunaError(
            "the workspace's folder was moved or deleted while it was being worked in",
            where=str(root),
            hint="go on where it is now: luna-tui -w DIR train --resume",
        )
    if isinstance(error, LunaError):
        return error
    if isinstance(error, LedgerError):
        kind = Damaged if isinstance(error, LedgerDamaged) else LunaError
        kind = UsageError if isinstance(error, LedgerBadInput) else kind
        return kind(error.title, where=error.where, hint=error.hint)
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return Interrupted("stopped at once")
    text = str(error).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    if _is_full(error, text, root):
        where = str(error.filename or root) if isinstance(error, OSError) else str(root)
        return LunaError("no space left on the disk", where=where, hint=_ROOM)
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text.lower():
        hint = "lower [train] batch_size or [model] context in luna.toml, then train again"
        return LunaError(f"out of memory: {first}", hint=hint)
    if isinstance(error, OSError):
        return LunaError(
            error.strerror or first, where=str(error.filename or ""), hint="check the disk and permissions"
        )
    return LunaError(f"unexpected {type(error).__name__}: {first}")


def _is_gone(root: Path) -> bool:
    # A library may recreate folders for a file it is about to write, but nothing recreates luna.toml.
    return not root.is_dir() or ((root / "runs").is_dir() and not (root / "luna.toml").exists())


def is_expected(error: BaseException) -> bool:
    """Return whether the error message explains the failure by itself, so that no traceback is needed."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
    return isinstance(error, LunaError | LedgerError)


def keep_traceback(error: BaseException, log: Path) -> str:
    """Append the traceback to a log and return a sentence that names the log; empty when it cannot be written."""
    try:
        log.parent.mkdir(exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return ""
    return f"the whole traceback is in {log}"


def _is_full(error: BaseException, text: str, root: Path) -> bool:
    # Libraries wrap the disk's errors in their own types: safetensors, torch.save and llama.cpp each in another.
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if "no space left" in text.lower():
        return True
    try:
        return free_bytes(root) < _FULL_BYTES
    except OSError:
        return False
