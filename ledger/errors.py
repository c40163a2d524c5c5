"""Exceptions of the ledger, with their exit codes.

LedgerError                    the operation failed (disk full, a lost lock, a failed fsync)
├── LedgerDamaged              what is on disk contradicts itself; exit code 4
└── LedgerBadInput             the caller passed something invalid; exit code 2
"""

from __future__ import annotations


class LedgerError(Exception):
    """A ledger operation failed: `title` says what, `where` in which file or line, `hint` how to repair it."""

    def __init__(self, title: str, *, where: str = "", hint: str = "") -> None:
        self.title = title
        self.where = where
        self.hint = hint
        super().__init__(": ".join(part for part in (where, title) if part))


class LedgerDamaged(LedgerError):
    """A recorded file is not what was recorded, or cannot be parsed as what it should be."""


class LedgerBadInput(LedgerError):
    """A value or a reference from outside is unknown, ambiguous or malformed."""
