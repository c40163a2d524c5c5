"""Questions from terms and their definitions: definition lists, "**Term** — definition", "Term: definition"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.data.questions.answers import Proposal, points_elsewhere, word_count
from engine.data.questions.document import DefinitionBlock, Document, ListBlock, ParagraphBlock, Passage
from engine.data.questions.phrases import Wording, is_noun_phrase, is_plural, what_is, words_of
from engine.data.questions.sentence_split import is_whole, sentences
from engine.data.questions.words import (
    AUXILIARIES,
    CONTEXT_NOUNS,
    DETERMINERS,
    IMPERATIVES,
    NUMBERS,
    OPENERS,
    PRONOUNS,
    REMARKS,
    TIMES,
)

_MOST_WORDS = 35
_MOST_TERM_WORDS = 5
_MOST_VALUE_WORDS = 10
_AFTER_LEAD = re.compile(r"\s*(?::|—|–|\s--?)\s+(?=\S)")
_COLON = re.compile(r"(?P<term>[^\s:.?!—–][^:.?!—–]{0,50}?)(?::| [—–]| --?)\s+(?=\S)")
_CODE = re.compile(r"--?[\w-]+|[a-z][\w]*(?:[_./][\w]+)+/?|\.[a-z]\w+")
_VALUE = re.compile(r"[€$£]?\d|(?:from|at|every|daily)\b", re.IGNORECASE)
_THIRD_PERSON = re.compile(r"[a-z]{2,}(?:[^s\W]s|es)$")
_LEAST_SIBLINGS = 2


def from_definitions(document: Document, wording: Wording) -> Iterator[Proposal]:
    """Propose "What is …?" for each term that the document defines."""
    run: list[Passage] = []
    for block in document.blocks:
        if isinstance(block, ParagraphBlock):
            run.append(block.passage)
            continue
        yield from _from_siblings(document, wording, run)
        run = []
        if isinstance(block, DefinitionBlock):
            yield from _proposed(document, wording, block.term, block.details)
        elif isinstance(block, ListBlock) and not block.ordered:
            yield from _from_siblings(document, wording, block.items)
    yield from _from_siblings(document, wording, run)


def ask(term: str, details: str, wording: Wording, *, code: bool = False) -> str:
    """Return the question that a term's details answer; empty for what is no definition.

    A term that is `code` stands in the question as it is.
    """
    term = term.strip("'\"“”‘’")
    words = [word.lower() for word in words_of(term)]
    first = next((word.lower() for word in words_of(details)), "")
    if not words or len(words) > _MOST_TERM_WORDS or words[0] in REMARKS or points_elsewhere(details):
        return ""
    if details.startswith("{") or first in OPENERS:
        return ""
    if code or _CODE.fullmatch(term):
        return _about_code(term, details) if " " not in term else ""
    if not is_noun_phrase(term, most=_MOST_TERM_WORDS) or (len(words) == 1 and words[0] in CONTEXT_NOUNS):
        return ""
    if first in PRONOUNS - {"all", "both", "one"} or first in IMPERATIVES or re.search(r"@\w|<\w", details):
        return ""
    if re.search(r"\w: ", details):
        return ""  # several terms in one line, as in the head of a letter
    if _VALUE.match(details) or first in NUMBERS | TIMES:
        if len(details.split()) > _MOST_VALUE_WORDS:
            return ""
        named = wording.titled(term)
        own = words[0] in DETERMINERS or named[0].isupper()
        return what_is(named if own else f"the {named}")
    named = wording.titled(term)
    return what_is(named if is_plural(named) else wording.with_article(named))


def _about_code(term: str, details: str) -> str:
    first, *more = [word.lower() for word in words_of(details)] or [""]
    if first in IMPERATIVES or (_THIRD_PERSON.match(first) and more and more[0] in DETERMINERS):
        return f"What does {term} do?"
    named = first in DETERMINERS and not AUXILIARIES & set(more)
    return f"What is {term}?" if named else f"What does {term} mean?"


def _from_siblings(document: Document, wording: Wording, passages: Sequence[Passage]) -> Iterator[Proposal]:
    """Propose for the passages that define a term; "Term: …" counts only where several in a row are like that."""
    split = [_by_colon(passage) for passage in passages]
    listed = sum(pair is not None for pair in split)
    is_list = listed >= _LEAST_SIBLINGS and 2 * listed >= len(passages)
    for passage, pair in zip(passages, split, strict=True):
        found = _by_lead(passage, alone=not is_list) or (pair if is_list else None)
        if found is not None:
            yield from _proposed(document, wording, *found)


def _by_lead(passage: Passage, *, alone: bool) -> tuple[Passage, Passage] | None:
    """Return the bold term or code that a passage begins with, and what is said of it."""
    lead = passage.lead
    if not lead or (alone and passage.lead_kind == "code") or not passage.text.startswith(lead):
        return None
    term = lead.rstrip(":").strip()
    after = passage.text[len(lead) :]
    separated = _AFTER_LEAD.match(after)
    if separated is None and not (lead.endswith(":") and after.startswith(" ")):
        return None
    return passage.part(0, len(term)), passage.part(len(lead) + (separated.end() if separated else 0))


def _by_colon(passage: Passage) -> tuple[Passage, Passage] | None:
    found = _COLON.match(passage.text)
    if found is None or passage.has_code_at(found.end("term")) or not (found["term"][0].isupper() or passage.lead):
        return None
    return passage.part(0, found.end("term")), passage.part(found.end())


def _proposed(document: Document, wording: Wording, term: Passage, details: Passage) -> Iterator[Proposal]:
    answer = _definition(details)
    question = ask(term.text, answer.text, wording, code=term.mostly_code) if answer is not None else ""
    if answer is not None and question:
        yield Proposal(question, answer.text, document.source(answer.line), "definition")


def _definition(details: Passage) -> Passage | None:
    """Return the first sentence of the details, or the whole of a short phrase; None for what is neither."""
    first = next(sentences(details), None)
    if first is None or details.mostly_code or word_count(first.text) > _MOST_WORDS or first.text.endswith((":", "?")):
        return None
    whole = is_whole(first.text) or first.text == details.text
    return first if whole and re.search(r"[^\W\d_]{2}|\d", first.text) and "://" not in first.text else None
