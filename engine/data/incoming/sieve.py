"""Let each row in once: what is known, repeated, or nearly the same as another is dropped and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.data.incoming.near_duplicates import NearDuplicates
from engine.data.incoming.redact import Redactor
from engine.data.rows import Row

_EXAMPLES = 3


@dataclass(slots=True)
class Tally:
    """What a source of rows held, in answers: `taken` by kind of row, `known` to the inbox, `repeated`, `near`.

    A plain text counts as one answer. `examples` holds the first near duplicates, each with the row it repeats, and
    `samples` the first rows that were taken.
    """

    taken: Counter[str] = field(default_factory=Counter[str])
    known: int = 0
    repeated: int = 0
    near: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    samples: list[Row] = field(default_factory=list[Row])


class Sieve:
    """Takes rows one at a time and remembers what it needs to recognise them again, not the rows.

    Rows that a person rated are never near duplicates, and rating an answer again is new. `keep_near` lets near
    duplicates through.
    """

    def __init__(self, *, redactor: Redactor | None = None, keep_near: bool = False) -> None:
        self._redactor = redactor
        self._near = None if keep_near else NearDuplicates()
        self._known: set[str] = set()
        self._seen: set[str] = set()

    def know(self, row: Row) -> None:
        """Remember a row that is in the workspace already."""
        self._known.update((*row.ids, *_ratings(row)))
        if self._near is not None:
            self._near.meet(row)

    def sift(self, row: Row, tally: Tally) -> Row | None:
        """Return what of the row is new, masked where that is asked for; None if nothing is."""
        if self._redactor is not None:
            row = self._redactor.row(row)
        if row.karma is not None:
            return self._rated(row, tally)
        new = row.without(self._known)
        tally.known += row.size - (new.size if new else 0)
        fresh = new.without(self._seen) if new else None
        if new is not None:
            tally.repeated += new.size - (fresh.size if fresh else 0)
        if fresh is None:
            return None
        self._seen.update(fresh.ids)
        if self._near is not None and (earlier := self._near.meet(fresh)):
            tally.near += fresh.size
            if len(tally.examples) < _EXAMPLES:
                tally.examples.append((fresh.source, earlier))
            return None
        return self._take(fresh, tally)

    def _rated(self, row: Row, tally: Tally) -> Row | None:
        if self._known.issuperset(_ratings(row)):
            tally.known += row.size
            return None
        self._known.update((*row.ids, *_ratings(row)))
        return self._take(row, tally)

    @staticmethod
    def _take(row: Row, tally: Tally) -> Row:
        tally.taken[row.kind] += row.size
        if len(tally.samples) < _EXAMPLES:
            tally.samples.append(row)
        return row


def _ratings(row: Row) -> tuple[str, ...]:
    return tuple(f"{id_} rated {row.karma:g}" for id_ in row.ids) if row.karma is not None else ()
