"""What can go wrong, as a person should hear of it.

LunaError              exit 1   something failed
├── UsageError         exit 2   bad input: what, where, how to mend it
├── Rejected           exit 3   the gate rejected a generation, or the stop rule stopped the lineage
├── Damaged            exit 4   the ledger or an artefact is not what was recorded
├── RuntimeChildError  exit 1   llama.cpp's child process failed or died
└── Interrupted        exit 130 a person asked to stop; the run can be resumed
"""

from __future__ import annotations


class LunaError(Exception):
    """A failure a person can act on: a title, where it happened, and a hint that says how to mend it."""

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
    """Return the error for a place that cannot be written, where `why` says what was to be written there."""
    return LunaError(
        f"cannot be written ({error.strerror or error}): {why}",
        where=str(where),
        hint="check its owner and mode, and whether its disk is mounted read-only; what only reads works meanwhile",
    )


class InUse(LunaError):
    """Another process holds the workspace."""


class UsageError(LunaError):
    """Bad input or usage."""

    exit_code = 2


class Rejected(LunaError):
    """The gate rejected a generation or the stop rule fired; everything is recorded, HEAD has not moved."""

    exit_code = 3


class Damaged(LunaError):
    """A recorded file differs from its record."""

    exit_code = 4


class RuntimeChildError(LunaError):
    """The llama.cpp child failed; the engine lives on and the next request starts a new child."""


class Interrupted(LunaError):
    """A person stopped the work; what was done so far is kept and can be resumed."""

    exit_code = 130
