"""Parent links between rows: a row names its parent by hash, and people shorten hashes."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

from ledger.errors import LedgerDamaged
from ledger.row import BASE_NAMES, LedgerRow, id_key, is_sha_prefix

_NO_OVERRIDE: Final[Mapping[int, int | None]] = {}


class ChildIndex:
    """Finds rows by `child_sha` whatever its case, in O(log n) a look-up.

    Of two hashes either may be a prefix of the other; a hand-written word matches only itself. Ids are returned in the
    form of `id_key`.
    """

    def __init__(self, rows: Sequence[LedgerRow]) -> None:
        self._positions: dict[str, list[int]] = {}
        for position, row in enumerate(rows):
            self._positions.setdefault(id_key(row.child_sha), []).append(position)
        self._sorted = sorted(self._positions)
        self._lengths = sorted({len(sha) for sha in self._sorted if is_sha_prefix(sha)}, reverse=True)

    def named(self, text: str) -> list[str]:
        """Return the id that this text spells in full, as a list of one, or none."""
        key = id_key(text)
        return [key] if key in self._positions else []

    def starting_with(self, prefix: str) -> list[str]:
        """Return the distinct ids that begin with `prefix`, sorted."""
        key = id_key(prefix)
        first = bisect_left(self._sorted, key)
        last = bisect_left(self._sorted, key + chr(sys.maxunicode))
        return self._sorted[first:last]

    def matching(self, sha: str) -> list[str]:
        """Return what `sha` may mean: itself, else the longest known prefix of it, else all ids it is a prefix of."""
        key = id_key(sha)
        if (found := self.named(key)) or not is_sha_prefix(key):
            return found
        for length in self._lengths:
            if length < len(key) and key[:length] in self._positions:
                return [key[:length]]
        return [known for known in self.starting_with(key) if is_sha_prefix(known)]

    def positions(self, sha: str) -> list[int]:
        """Return the indices, ascending, of the rows with exactly this `child_sha`."""
        return self._positions[id_key(sha)]


def link_parents(
    rows: Sequence[LedgerRow],
    *,
    recorded: Mapping[int, int | None] = _NO_OVERRIDE,
    lines: Sequence[int] = (),
    file: str = "",
) -> list[int | None]:
    """Return the GEN_ID of each row's parent, None for the base model.

    The base is `base_model` or whatever the first row names as its parent. When several earlier rows share the parent's
    `child_sha`, `recorded` (GEN_ID → parent GEN_ID, from manifests) decides, else the nearest earlier one. Raises
    LedgerDamaged naming the line (`lines`, of `file`) for a parent that is unknown, comes later, or is ambiguous.
    """
    index = ChildIndex(rows)
    base = rows[0].parent_sha if rows else ""
    parents: list[int | None] = []
    for position, row in enumerate(rows):
        earlier = [sha for sha in index.matching(row.parent_sha) if index.positions(sha)[0] < position]
        if len(earlier) == 1:
            before = index.positions(earlier[0])
            candidates = before[: bisect_left(before, position)]
            parent = rows[candidates[-1]].gen_id
            wanted = recorded.get(row.gen_id)
            if len(candidates) > 1 and wanted is not None and any(rows[at].gen_id == wanted for at in candidates):
                parent = wanted
            parents.append(parent)
        elif not earlier and (row.parent_sha in BASE_NAMES or _same(row.parent_sha, base)):
            parents.append(None)
        else:
            where = f"{file} line {lines[position]}" if lines else file
            if earlier:
                names = ", ".join(f"G{rows[index.positions(sha)[0]].gen_id} {sha}" for sha in earlier)
                raise LedgerDamaged(
                    f"the parent of G{row.gen_id} is ambiguous: {row.parent_sha} may be {names}",
                    where=where,
                    hint="write more digits of parent_sha",
                )
            raise LedgerDamaged(
                f"the parent of G{row.gen_id} is unknown: no earlier row has the child_sha {row.parent_sha}",
                where=where,
                hint="add the parent's row above this one, or write base_model if it was trained from the base",
            )
    return parents


def _same(one: str, other: str) -> bool:
    if not (is_sha_prefix(one) and is_sha_prefix(other)):
        return id_key(one) == id_key(other)
    return one.startswith(other) or other.startswith(one)
