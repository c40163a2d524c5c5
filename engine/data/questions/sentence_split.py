"""Split a passage into sentences, each with its source line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.questions.document import Passage

_END = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9`])|[.!?…][\"'”’)\]]*$")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|vs|cf|approx|resp|ca|mr|mrs|ms|dr|st|prof|fig|vol|pp?|[a-z])\.$", re.I)
_NUMBER_SIGN = re.compile(r"\b(?:no|nr|art|sec|ch)\.\s+\d", re.I)
_OPEN, _CLOSED = "([{“", ")]}”"


def sentences(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage; the last one may lack its mark."""
    start = 0
    for end in _END.finditer(passage.text):
        mark, more = end.start() + 1, end.end() < len(passage.text)
        numbered = _NUMBER_SIGN.search(passage.text[max(0, mark - 5) : end.end() + 1])
        if more and (numbered or _ABBREVIATION.search(passage.text, start, mark)):
            continue
        yield passage.part(start, end.end())
        start = end.end()
    if passage.text[start:].strip():
        yield passage.part(start)


def is_whole(sentence: str) -> bool:
    """Return whether a text is one whole sentence: a mark at its end, nothing left open."""
    balanced = all(sentence.count(a) == sentence.count(b) for a, b in zip(_OPEN, _CLOSED, strict=True))
    return balanced and sentence.count('"') % 2 == 0 and re.search(r"[.!][\"'”’)]*$", sentence) is not None
