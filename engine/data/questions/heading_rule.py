"""Questions from headings: a question as it stands, "How to …", "Booking a crossing", and "What about refunds?"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.questions.answers import MOST_WORDS, Proposal, opening, points_elsewhere, word_count
from engine.data.questions.document import Block, Document, HeadingBlock, ListBlock, ParagraphBlock, Passage
from engine.data.questions.phrases import Wording, head_noun, is_gerund, is_noun_phrase, words_of
from engine.data.questions.words import (
    AUXILIARIES,
    CONTEXT_NOUNS,
    DETERMINERS,
    GENERIC_HEADINGS,
    GERUNDS,
    IMPERATIVES,
    INSTRUCTIONS,
    NOUNS_IN_ING,
    NUMBERS,
    PREPOSITIONS,
)

ABOUT = "What about "

_NUMBERING = re.compile(r"^(?:(?:§\s*)?\d+(?:\.\d+)*[.):]?|[IVX]+\.|Step \d+[.:]?)\s+")
_TO = re.compile(r"(how|where|when|what) to ([a-z].*)", re.IGNORECASE)
_WORKS = re.compile(r"How (.+) works", re.IGNORECASE)
_MOST_STEPS = 6
_NO_OBJECTS = frozenset(["and", "or", "to", "with", "in", "on", "for", "of", "at"])
_IN_ORDER_TO = re.compile(r"(?:To|For|In|On|If|When|Once) [^,.]+, (\w+)")
_INSTRUCTS = re.compile(r"(?:You|Just)\b|.*\b(?:you|we) (?:can|must|should|need|may|have to)\b")


def from_headings(document: Document, wording: Wording) -> Iterator[Proposal]:
    """Propose a question for each heading that has one, answered by what stands right below it."""
    blocks = document.blocks
    titles = [block for block in blocks if isinstance(block, HeadingBlock) and block.level == 1]
    for at, block in enumerate(blocks[:-1]):
        if not isinstance(block, HeadingBlock):
            continue
        heading = _NUMBERING.sub("", block.passage.text).strip().rstrip(":")
        instruction = ask_how(heading, wording)
        question = ask_verbatim(heading) or instruction
        if not question and not (block.level == 1 and len(titles) == 1):
            question = ask_about(heading, wording)
        answer = _answer(blocks[at + 1], blocks[at + 2] if at + 2 < len(blocks) else None, steps=bool(instruction))
        if question and answer is not None:
            yield Proposal(question, answer.text, document.source(answer.line), "heading")


def ask_verbatim(heading: str) -> str:
    """Return a heading that is a question already, with its mark; empty for any other."""
    words = [word.lower() for word in words_of(heading)]
    if heading.endswith("?"):
        return heading if len(words) > 1 else ""
    asks = len(words) > 2 and words[0] in ("what", "how", "where", "when", "who", "why") and words[1] in AUXILIARIES
    return f"{heading}?" if asks and not heading.endswith((".", "!", "…")) else ""


def ask_how(heading: str, wording: Wording) -> str:
    """Return the question of a heading that names something to do; empty for any other."""
    if found := _TO.fullmatch(heading):
        return _of_the_reader(f"{found[1].capitalize()} do I {found[2]}?")
    if (found := _WORKS.fullmatch(heading)) and is_noun_phrase(found[1]):
        return f"How does {found[1]} work?"
    words = heading.split()
    if len(words) < 2 or len(words) > 7 or not re.fullmatch(r"[\w'’` -]+", heading):
        return ""
    first, rest = words[0].lower(), " ".join(words[1:])
    noun = first in NOUNS_IN_ING and words[1].lower() not in DETERMINERS
    if first in GERUNDS and not noun and words[1].lower() not in _NO_OBJECTS:
        return _of_the_reader(f"How do I {GERUNDS[first]} {wording.titled(rest)}?")
    if first in INSTRUCTIONS and words[1].lower() in DETERMINERS:
        return _of_the_reader(f"How do I {first} {rest}?")
    return ""


def ask_about(heading: str, wording: Wording) -> str:
    """Return "What about …?" for a heading that names a subject; empty for one that says nothing by itself."""
    words = [word.lower() for word in words_of(heading)]
    if not words or len(words) > 5 or not is_noun_phrase(heading, most=5) or set(words) <= GENERIC_HEADINGS:
        return ""
    if words[0] in ("a", "an") or words[0] in INSTRUCTIONS | NUMBERS or is_gerund(words[0]):
        return ""
    if words[0].endswith("ing") and len(words) > 1 and words[1] in PREPOSITIONS:
        return ""
    if (len(words) == 1 and head_noun(heading) in CONTEXT_NOUNS) or re.search(r"[\d/_.]", heading):
        return ""
    return f"{ABOUT}{wording.titled(heading)}?"


def _of_the_reader(question: str) -> str:
    """Return a question in the first person; empty where "you" could be either subject or object."""
    if re.search(r"\b(?:you|they|it|them|we|us)\b", question, re.IGNORECASE):
        return ""
    for theirs, mine in (("your", "my"), ("yours", "mine"), ("yourself", "myself"), ("our", "my")):
        question = re.sub(rf"\b{theirs}\b", mine, question)
    return question


def _answer(below: Block, after: Block | None, *, steps: bool) -> Passage | None:
    """Return the sentences that a section begins with; the steps of a short list where something is to be done."""
    if isinstance(below, ParagraphBlock):
        # "Do this:" and a list or code are one answer, of which the first half alone is none.
        leads_over = isinstance(after, ListBlock) and below.passage.text.endswith(":")
        kept = None if steps and leads_over else opening(below.passage)
        return kept if kept is None or not steps or _instructs(kept.text) else None
    if steps and isinstance(below, ListBlock) and below.simple and 2 <= len(below.items) <= _MOST_STEPS:
        texts = [item.text for item in below.items]
        whole = all(text.endswith((".", "!")) and not points_elsewhere(text) for text in texts)
        if whole and sum(map(word_count, texts)) <= MOST_WORDS:
            return Passage(" ".join(texts), below.items[0].line)
    return None


def _instructs(text: str) -> bool:
    """Return whether a text tells its reader to do something, as an answer to "How do I …?" must."""
    order = _IN_ORDER_TO.match(text)
    verb = order[1].lower() if order is not None else words_of(text.lower())[0]
    return verb in IMPERATIVES or verb == "you" or _INSTRUCTS.match(text) is not None
