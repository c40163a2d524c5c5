"""The exceptions shown to the user, and the exit code of each.

LunaError              exit 1   something failed
├── UsageError         exit 2   bad input: what, where, how to fix it
├── Rejected           exit 3   the gate rejected a generation, or the stop rule stopped the lineage
├── Damaged            exit 4   the ledger or an artefact differs from its record
├── RuntimeChildError  exit 1   the llama.cpp child process failed or died
└── Interrupted        exit 130 the user asked to stop; the run can be resumed
"""

from __future__ import annotations


class LunaError(Exception):
    """A failure the user can act on: a title, where it happened, and a hint that says how to fix it."""

    exit_code = 1

    def __init__(self, title: str, *, where: str = "", hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(title)
        self.title = title
        self.where = where
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.title}" if self.where else self.title]
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)


def cannot_write(error: OSError, where: object, why: str) -> LunaError:
    """Return the error for a path that cannot be written; `why` says what was to be written there."""
    return LunaError(
        f"cannot be written ({error.strerror or error}): {why}",
        where=str(where),
        hint="check its owner and mode, and whether its disk is mounted read-only; what only reads works meanwhile",
    )


class InUse(LunaError):
    """Raised when another process holds the workspace's lock."""


class UsageError(LunaError):
    """Raised for invalid input, configuration or command-line usage."""

    exit_code = 2


class Rejected(LunaError):
    """Raised when the gate rejects a generation or the stop rule fires; everything is recorded, HEAD has not moved."""

    exit_code = 3


class Damaged(LunaError):
    """Raised when a recorded file is missing, cannot be read or differs from its record."""

    exit_code = 4


class RuntimeChildError(LunaError):
    """Raised when the llama.cpp child fails; the engine keeps running and the next request starts a new child."""


class Interrupted(LunaError):
    """Raised when the user stops the work; what was done so far is kept and can be resumed."""

    exit_code = 130
