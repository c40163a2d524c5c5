"""Find rows that say nearly the same as an earlier one, by MinHash.

Two rows are near duplicates when both what is asked and what is answered are: the share of the five-character pieces
that two texts have in common (Jaccard similarity) is at least `SIMILARITY`. It is estimated from the smallest hashes of
the pieces: A. Broder, "On the resemblance and containment of documents" (1997); rows worth comparing are found by
locality-sensitive hashing. Rows that differ in a number or a negation are never near duplicates, however long they are:
"opens at six" and "does not open at 6" teach different things. Neither are other wordings of a question, which share
only the answer.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from array import array
from typing import Any, Protocol

import numpy as np

from engine.data.rows import Row

SIMILARITY = 0.9

_PIECE = 5
_HASHES, _BANDS, _SEED = 64, 8, 1
_COMPARED = 50
"""The most earlier rows that one row is compared with, the newest first; many rows may share a long answer."""

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_FACT = re.compile(
    r"\b(?:\w*\d\w*|\w+n['’]t|no|not|never|none|nobody|nothing|neither|nor|without|cannot|nicht|keine?|nie|ohne"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|hundred|thousand)\b"
)
"""Numbers and negations, with which a text says something else, however much else it shares."""


_rensa: Any = importlib.import_module("rensa")  # compiled, and without type stubs


class _Hashes(Protocol):
    def update(self, items: list[str]) -> None: ...
    def digest(self) -> list[int]: ...


class _Buckets(Protocol):
    def query(self, minhash: _Hashes) -> list[int]: ...
    def insert(self, key: int, minhash: _Hashes) -> None: ...


class NearDuplicates:
    """The rows met so far, as small signatures: 128 bytes a row and its buckets, whatever the length of the texts."""

    def __init__(self) -> None:
        self._buckets: _Buckets = _rensa.RMinHashLSH(threshold=SIMILARITY, num_perm=_HASHES, num_bands=_BANDS)
        self._signatures = bytearray()
        self._facts = array("q")
        self._sources: list[str] = []

    def meet(self, row: Row) -> str:
        """Return the source of an earlier row that says nearly the same, or remember the row and return nothing."""
        asked, answered = _parts(row)
        facts = hash((*_FACT.findall(asked), "\n", *_FACT.findall(answered)))
        questions, answers = pieces_of(asked), pieces_of(answered)
        both = _hashes([*(f"?{piece}" for piece in questions), *answers])
        signature = _short(_hashes([*questions])) + _short(_hashes([*answers]))
        for at in sorted(self._buckets.query(both), reverse=True)[:_COMPARED]:
            if self._facts[at] == facts and self._similar(at, signature):
                return self._sources[at]
        self._buckets.insert(len(self._sources), both)
        self._signatures += signature
        self._facts.append(facts)
        self._sources.append(row.source)
        return ""

    def _similar(self, at: int, signature: bytes) -> bool:
        size = 2 * _HASHES
        earlier = np.frombuffer(self._signatures[at * size : (at + 1) * size], dtype=np.uint8)
        same = (earlier == np.frombuffer(signature, dtype=np.uint8)).reshape(2, _HASHES).mean(axis=1)
        # Of the hashes only the last byte is kept: one in 256 is the same by chance.
        estimated = (same - 1 / 256) / (1 - 1 / 256)
        return bool((estimated >= SIMILARITY).all())


def pieces_of(text: str) -> set[str]:
    """Return the pieces of a text that is brought to its words: five characters each, a shorter text as a whole."""
    return {text[at : at + _PIECE] for at in range(max(1, len(text) - _PIECE + 1))}


def _parts(row: Row) -> tuple[str, str]:
    """Return what is asked and what is answered, in words without case and punctuation."""
    if row.kind == "chat":
        asked = " ".join(turn.text for turn in row.turns if turn.role == "user")
        return _words(asked), _words(" ".join(row.answers))
    return _words(row.prompt), _words(row.response)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold())) or text


def _hashes(pieces: list[str]) -> _Hashes:
    made: _Hashes = _rensa.RMinHash(num_perm=_HASHES, seed=_SEED)
    made.update(pieces)
    return made


def _short(hashes: _Hashes) -> bytes:
    return np.array(hashes.digest(), dtype=np.uint32).astype(np.uint8).tobytes()
