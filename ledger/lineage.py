"""The lineage: which generation came from which. A tree, because training again after a rollback makes a branch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from ledger.errors import LedgerBadInput
from ledger.hashing import short_sha
from ledger.manifest import Manifest
from ledger.parents import ChildIndex, link_parents
from ledger.row import SHORTEST_PREFIX, LedgerRow

_GEN_REF: Final = re.compile(r"[Gg]?([0-9]{1,9})")
_SHOWN: Final = 5
_NO_MANIFESTS: Final[Mapping[int, Manifest]] = {}


@dataclass(frozen=True, slots=True)
class Node:
    """One generation in the tree; `parent_gen` None and `depth` 0 stand for a child of the base model.

    `verdict` is the manifest's, or "unrecorded" for a row without one (a hand-written ledger).
    """

    gen: int
    row: LedgerRow
    parent_gen: int | None
    children: tuple[int, ...]
    depth: int
    verdict: str
    is_head: bool
    manifest: Manifest | None


class Lineage:
    """The tree of all generations; an immutable snapshot."""

    def __init__(self, nodes: dict[int, Node], roots: tuple[int, ...], head: int | None, next_gen: int) -> None:
        self._nodes = nodes
        self._index = ChildIndex([node.row for node in nodes.values()])
        self._by_position = list(nodes)
        self._next_gen = next_gen
        self.roots = roots
        """The generations trained from the base model, in ledger order."""
        self.head = head
        """The current generation, None for the base."""

    @classmethod
    def build(
        cls, rows: Sequence[LedgerRow], head: int | None = None, manifests: Mapping[int, Manifest] = _NO_MANIFESTS
    ) -> Lineage:
        """Link rows (oldest first) into a tree; raises LedgerDamaged for a parent that is unknown or ambiguous."""
        parents = link_parents(rows, recorded={gen: manifest.parent_gen for gen, manifest in manifests.items()})
        children: dict[int | None, list[int]] = {}
        depth: dict[int | None, int] = {None: -1}
        for row, parent in zip(rows, parents, strict=True):
            children.setdefault(parent, []).append(row.gen_id)
            depth[row.gen_id] = depth[parent] + 1  # parents come first
        nodes = {
            row.gen_id: Node(
                gen=row.gen_id,
                row=row,
                parent_gen=parent,
                children=tuple(children.get(row.gen_id, ())),
                depth=depth[row.gen_id],
                verdict=manifests[row.gen_id].verdict if row.gen_id in manifests else "unrecorded",
                is_head=row.gen_id == head,
                manifest=manifests.get(row.gen_id),
            )
            for row, parent in zip(rows, parents, strict=True)
        }
        # A manifest without a row is left by a crash; its number stays taken, so that nothing is overwritten.
        taken: set[int] = {*nodes, *manifests} | (set() if head is None else {head})
        return cls(nodes, tuple(children.get(None, ())), head, max(taken, default=-1) + 1)

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, gen: int) -> bool:
        return gen in self._nodes

    def nodes(self) -> list[Node]:
        """Return all generations in ledger order: parents before children."""
        return list(self._nodes.values())

    def node(self, gen: int) -> Node:
        """Return one generation; raises LedgerBadInput when there is none with this GEN_ID."""
        if gen not in self._nodes:
            raise self._unknown(f"G{gen}")
        return self._nodes[gen]

    def children(self, gen: int | None) -> tuple[int, ...]:
        """Return the generations trained from this one (None: from the base), in ledger order."""
        return self.roots if gen is None else self.node(gen).children

    def parent_gen(self, gen: int) -> int | None:
        """Return the generation that this one was trained from, None for the base."""
        return self.node(gen).parent_gen

    def ancestors(self, gen: int) -> list[int]:
        """Return the path from the first generation down to the parent, without the generation itself."""
        line: list[int] = []
        above = self.node(gen).parent_gen
        while above is not None:
            line.append(above)
            above = self._nodes[above].parent_gen
        return line[::-1]

    def depth(self, gen: int) -> int:
        """Return how many generations lie between this one and the base model."""
        return self.node(gen).depth

    def next_gen_id(self) -> int:
        """Return the GEN_ID for the next generation: one more than any in use, also by a leftover of a crash."""
        return self._next_gen

    def resolve(self, ref: str) -> int | None:
        """Return the generation that `ref` names, None for the base.

        `ref` is `3`, `G3`, `HEAD`, `base`, a SHA or hand-written id, or its unique prefix of at least 4 characters. A
        number that is a GEN_ID wins over a SHA that begins with the same digits. Raises LedgerBadInput with the
        candidates of an ambiguous prefix, or the nearest names of an unknown one.
        """
        text = ref.strip()
        if text.lower() == "base":
            return None
        if text.upper() == "HEAD":
            return self.head
        number = _GEN_REF.fullmatch(text)
        if number is not None and int(number[1]) in self._nodes:
            return int(number[1])
        shas = self._index.named(text)
        if not shas and len(text) >= SHORTEST_PREFIX:
            shas = self._index.starting_with(text)
        if not shas and len(text) == 64:
            shas = self._index.matching(text)  # a full hash may mean a hand-written short one
        gens = [self._by_position[position] for sha in shas for position in self._index.positions(sha)]
        if not gens:
            raise self._unknown(ref)
        if len(gens) > 1:
            names = ", ".join(f"G{gen} ({self._nodes[gen].row.child_sha[:12]})" for gen in sorted(gens)[:_SHOWN])
            raise LedgerBadInput(
                f"{ref} is ambiguous: {names}{' …' if len(gens) > _SHOWN else ''}",
                hint="write more of it, or the number of the generation",
            )
        return gens[0]

    def _unknown(self, ref: str) -> LedgerBadInput:
        if not self._nodes:
            return LedgerBadInput(f"there is no generation {ref}", hint="there is none yet: run `luna-tui train`")
        newest = list(self._nodes)[-200:]
        names = {f"G{gen}": gen for gen in newest} | {self._nodes[gen].row.child_sha[:8]: gen for gen in newest}
        near = get_close_matches(ref[:8], names, n=3, cutoff=0.5) or [f"G{gen}" for gen in newest[-3:]]
        shown = ", ".join(
            f"G{gen} ({short_sha(self._nodes[gen].row.child_sha)})"
            for gen in dict.fromkeys(names[name] for name in near)
        )
        return LedgerBadInput(
            f"there is no generation {ref}", hint=f"near it: {shown}; `luna-tui lineage` lists all of them"
        )
