"""Questions that the document asks itself: "Q: … A: …", a bold question, a question in a paragraph of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from engine.data.questions.answers import Proposal, opening, word_count
from engine.data.questions.document import Document, HeadingBlock, ListBlock, ParagraphBlock, Passage, SkippedBlock
from engine.data.questions.phrases import Wording, words_of
from engine.data.questions.sentence_split import sentences
from engine.data.questions.words import AUXILIARIES

_ASKED = re.compile(r"(?:Q|Question)\s*\d*\s*[:.)]\s*(?=\S)")
_ANSWERED = re.compile(r"(?:^|(?<=\s))(?:A|Answer)\s*\d*\s*[:.)]\s*(?=\S)")
_MOST_QUESTION_WORDS = 20
_YES_OR_NO = frozenset(["is", "are", "do", "does", "can", "may", "must", "should", "will"])


def from_faq(document: Document, wording: Wording) -> Iterator[Proposal]:
    """Propose the document's own questions with the answers that it gives right after them."""
    run = list(_in_order(document))
    alone = sum(_is_question(passage) for passage in run if passage is not None)
    for passage, after in pairwise([*run, None]):
        if passage is None:
            continue
        found = _pair(passage, after, alone=alone)
        if found is not None:
            question, answer = found
            yield Proposal(question, answer.text, document.source(answer.line), "faq")


def _in_order(document: Document) -> Iterator[Passage | None]:
    """Yield paragraphs and items in order, None for what separates them."""
    for block in document.blocks:
        if isinstance(block, ParagraphBlock):
            yield block.passage
        elif isinstance(block, ListBlock):
            yield from block.items
            yield None
        elif isinstance(block, HeadingBlock | SkippedBlock):
            yield None


def _pair(passage: Passage, after: Passage | None, *, alone: int) -> tuple[str, Passage] | None:
    text = passage.text
    if asked := _ASKED.match(text):
        answered = _ANSWERED.search(text, asked.end())
        question = text[asked.end() : answered.start() if answered else None].strip()
        if answered is None:
            opens = _ANSWERED.match(after.text) if after is not None else None
            answer = after.part(opens.end()) if after is not None and opens is not None else None
        else:
            answer = passage.part(answered.end())
        return _checked(question, answer)
    if passage.lead_kind == "strong" and passage.lead.endswith("?"):
        if text == passage.lead:
            return _checked(passage.lead, after)
        return _checked(passage.lead, passage.part(len(passage.lead)))
    # One question among paragraphs may be rhetorical; several make a list of questions.
    return _checked(text, after) if alone > 1 and _is_question(passage) else None


def _is_question(passage: Passage) -> bool:
    words = [word.lower() for word in words_of(passage.text)]
    if not 1 < len(words) <= _MOST_QUESTION_WORDS or not passage.text[0].isupper() or not passage.text.endswith("?"):
        return False
    if words[0] in ("what", "who", "which", "how"):
        return words[1] != "about" and next(sentences(passage)).text == passage.text
    return words[0] in _YES_OR_NO or (words[0] in ("where", "when", "why") and words[1] in AUXILIARIES)


def _checked(question: str, answer: Passage | None) -> tuple[str, Passage] | None:
    if answer is None or not question.endswith("?") or not 2 <= word_count(question) <= _MOST_QUESTION_WORDS:
        return None
    kept = opening(answer)
    return (question, kept) if kept is not None else None
