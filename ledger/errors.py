"""What can go wrong in the ledger.

LedgerError                    the operation failed (disk full, a lost lock, a failed fsync)
├── LedgerDamaged              what is on disk contradicts itself; exit code 4
└── LedgerBadInput             the caller asked for something that cannot be; exit code 2
"""

from __future__ import annotations


class LedgerError(Exception):
    """A ledger operation failed: `title` says what, `where` in which file or line, `hint` how to mend it."""

    def __init__(self, title: str, *, where: str = "", hint: str = "") -> None:
        self.title = title
        self.where = where
        self.hint = hint
        super().__init__(": ".join(part for part in (where, title) if part))


class LedgerDamaged(LedgerError):
    """A recorded file is not what was recorded, or cannot be read as what it should be."""


class LedgerBadInput(LedgerError):
    """A value or a reference from outside is unknown, ambiguous or malformed."""
