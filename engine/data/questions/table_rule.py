"""Questions from tables: the first column names the subject, the header of each other column an attribute of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from engine.data.questions.answers import Proposal, points_elsewhere, word_count
from engine.data.questions.document import Document, TableBlock
from engine.data.questions.phrases import Wording, is_noun_phrase, is_person, is_plural, what_is, words_of
from engine.data.questions.words import (
    AUXILIARIES,
    CONTEXT_NOUNS,
    DETERMINERS,
    GENERIC_HEADINGS,
    OPENERS,
    PRONOUNS,
    VAGUE_VERBS,
)

_MOST_SUBJECT_WORDS, _MOST_ATTRIBUTE_WORDS, _MOST_WORDS = 5, 4, 30
_CODE = re.compile(r"--?[a-z][\w-]*|[\w./-]+")
_THIRD_PERSON = re.compile(r"[A-Za-z]{2,}[^\Ws]s (?:the|an?|all|every|whether) ")
_NOTHING = re.compile(r"\W*|n/?a|none|no|yes|x|unknown|tbd|todo", re.IGNORECASE)
_DOES = "What does {} do?"
# Columns whose header is no attribute but a question of its own.
_QUESTIONS = {
    "meaning": "What does {} mean?",
    "means": "What does {} mean?",
    "what it means": "What does {} mean?",
    "what it does": _DOES,
    "does": _DOES,
    "effect": _DOES,
    "stands for": "What does {} stand for?",
    "definition": "",
    "description": "",
    "what it is": "",
    "where": "Where is {}?",
    "used for": "What is {} used for?",
}
_NO_ATTRIBUTES = CONTEXT_NOUNS - frozenset(["default", "cost", "name", "file", "verdict"]) | GENERIC_HEADINGS


def from_tables(document: Document, wording: Wording) -> Iterator[Proposal]:
    """Propose "What is the price of a single crossing?" for the cells of each table that lists things by name."""
    for table in document.blocks:
        if not isinstance(table, TableBlock) or len(table.header) < 2 or not _names_things(table):
            continue
        named = Counter(row[0].text.casefold() for row in table.rows)
        for row in table.rows:
            subject = row[0].text
            if named[subject.casefold()] > 1 or not _is_subject(subject):
                continue
            for header, cell in zip(table.header[1:], row[1:], strict=True):
                question = ask(subject, header.text, cell.text, wording, code=row[0].lead == subject)
                if question and _is_answer(cell.text):
                    yield Proposal(question, cell.text, document.source(cell.line), "table")


def ask(subject: str, attribute: str, value: str, wording: Wording, *, code: bool = False) -> str:
    """Return the question that a cell's value answers; empty where its column's header is no attribute.

    A subject that is `code` stands in the question as it is.
    """
    header = attribute.rstrip(":").strip()
    asked = subject if code or not is_noun_phrase(subject) else wording.with_article(subject)
    form = _QUESTIONS.get(header.lower())
    if form is not None:
        return _own_question(form, asked, value, plural=not code and is_plural(asked))
    words = [word.lower() for word in words_of(header)]
    if not words or len(words) > _MOST_ATTRIBUTE_WORDS or not is_noun_phrase(header, most=_MOST_ATTRIBUTE_WORDS):
        return ""
    if ({"and", "or", "contains"} | VAGUE_VERBS) & set(words) or words[0] in ("no", "as", "is", "can"):
        return ""
    if words[-1] in _NO_ATTRIBUTES or re.search(r"\d", header):
        return ""
    named = " ".join(word.lower() if re.fullmatch(r"[A-Z][a-z'’-]*", word) else word for word in header.split())
    if is_person(header):
        return f"Who is {named if words[0] in DETERMINERS else f'the {named}'} of {asked}?"
    if is_plural(named) and value.isdecimal():
        return f"How many {named} does {asked} have?"
    verb = "are" if is_plural(named) else "is"
    return f"What {verb} {named if words[0] in DETERMINERS else f'the {named}'} of {asked}?"


def _own_question(form: str, asked: str, value: str, *, plural: bool) -> str:
    first = next(iter(words_of(value.lower())), "")
    if not form and _THIRD_PERSON.match(value):
        form = _DOES
    if not form or (form == _DOES and first in DETERMINERS):
        return what_is(asked) if plural else f"What is {asked}?"
    if form == _DOES and first in PRONOUNS | AUXILIARIES | OPENERS:
        return ""
    return form.replace("does", "do").replace(" is ", " are ").format(asked) if plural else form.format(asked)


def _names_things(table: TableBlock) -> bool:
    """Return whether the first column lists things by name; a table of measurements has an empty corner or numbers."""
    corner = [word.lower() for word in words_of(table.header[0].text)]
    return bool(corner) and not set(corner) & PRONOUNS and is_noun_phrase(table.header[0].text)


def _is_subject(subject: str) -> bool:
    if not 0 < word_count(subject) <= _MOST_SUBJECT_WORDS or not re.search(r"[^\W\d_]{2}", subject):
        return False
    if re.search(r"\b(?:and|or)\b", subject):
        return False
    return is_noun_phrase(subject, most=_MOST_SUBJECT_WORDS) or _CODE.fullmatch(subject) is not None


def _is_answer(cell: str) -> bool:
    short = 0 < word_count(cell) <= _MOST_WORDS
    return short and not _NOTHING.fullmatch(cell) and not points_elsewhere(cell) and "://" not in cell
