"""Questions from single sentences: "The ferry bell is kept by Old Tamsin." → "Who is the ferry bell kept by?"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.questions.answers import Proposal, points_elsewhere, word_count
from engine.data.questions.document import Document, Passage
from engine.data.questions.phrases import Wording, head_noun, is_name, is_person, is_subject, words_of
from engine.data.questions.sentence_split import is_whole, sentences
from engine.data.questions.words import (
    AGENT_PARTICIPLES,
    JUDGEMENTS,
    NO_PLACES,
    NUMBERS,
    OPENERS,
    ORGANISATIONS,
    PLACE_PARTICIPLES,
    PLACE_PREPOSITIONS,
    PREPOSITIONS,
    TIMED_VERBS,
    TIMES,
    VAGUE_VERBS,
)

_LEAST_WORDS, _MOST_WORDS = 4, 30
_VERB = re.compile(
    r" (is|are|was|were|means|refers? to|stands? for|consists? of|costs?|belongs? to|lasts?|weighs?|"
    + "|".join(TIMED_VERBS)
    + r") "
)
_NAME_DOES = re.compile(
    r"(?P<name>[A-Z][\w'’-]*[^\Ws](?: [A-Z][\w'’-]*[^\Ws])?) (?P<verb>[a-z]+[^\Ws]s) (?:the|an?|every|all) "
)
_PLACE = re.compile(
    rf"(?:{'|'.join(PLACE_PREPOSITIONS)}) (?:the|an?|our) (?P<noun>\w+)"
    r"|(?:in|at|near|beside|behind|opposite) [A-Z][a-z'’]+\b"
)
_TIME = re.compile(r"(?:at|on|in|from|every|before|after|until) (?:the )?(?P<time>[\w'’:.]*\w)", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}([:.]\d\d)?|\d{4}")
_AGENT = re.compile(r"(?P<participle>[a-z]+(?: after)?) by (?P<agent>[^,.]+)\.")
_NUMBER = re.compile(r"[€$£]?\d")
_NO_NAME = (OPENERS | PREPOSITIONS) - {"the"}
_PLURAL_DEFINITION = re.compile(r"[a-z-]+(?: [a-z-]+)?s (?:of|that|which|who|made|for|with|from) ")


def from_sentences(document: Document, wording: Wording) -> Iterator[Proposal]:
    """Propose a question for each sentence that says by itself what, who, where or when its subject is."""
    for passage in document.passages:
        for sentence in sentences(passage):
            question = ask(sentence, wording)
            if question:
                yield Proposal(question, sentence.text, document.source(sentence.line), "sentence")


def ask(passage: Passage, wording: Wording) -> str:
    """Return the question that a sentence answers; empty for a sentence of which that is not certain."""
    sentence = passage.text
    if not _LEAST_WORDS <= word_count(sentence) <= _MOST_WORDS or not is_whole(sentence):
        return ""
    if points_elsewhere(sentence) or re.search(r"[;:](?!\d)|\b(?:this|these|those)\b", sentence):
        return ""
    does = _NAME_DOES.match(sentence)
    if (
        does is not None
        and does["verb"] not in VAGUE_VERBS
        and is_subject(does["name"])
        and wording.is_known_name(does["name"])
    ):
        return f"What does {does['name']} do?"
    # "last" in "the last ferry is …" is no verb: what stands before a verb must be a subject.
    found = next((verb for verb in _VERB.finditer(sentence) if is_subject(sentence[: verb.start()])), None)
    if found is None:
        return ""
    subject, verb, rest = sentence[: found.start()], found[1], sentence[found.end() :]
    asked = subject if passage.has_code_at(0) else wording.inside(subject)
    if verb in ("is", "are", "was", "were"):
        return _copula(asked, verb, rest)
    return _full_verb(asked, verb, rest)


def _copula(subject: str, verb: str, rest: str) -> str:
    first, *more = [word.lower() for word in words_of(rest)] or [""]
    for opening, end in (
        ("called ", "called"),
        ("known as ", "known as"),
        ("used to ", "used for"),
        ("used for ", "used for"),
        ("made of ", "made of"),
        ("made from ", "made from"),
        ("responsible for ", "responsible for"),
        ("measured in ", "measured in"),
    ):
        after = [word.lower() for word in words_of(rest.removeprefix(opening))] or [""]
        if rest.startswith(opening) and not (after[0] in _NO_NAME or after[0].endswith("ly")):
            return f"What {verb} {subject} {end}?"
    agent = _AGENT.fullmatch(rest)
    if agent is not None and is_name(agent["agent"]) and agent["participle"].split()[0] in AGENT_PARTICIPLES:
        return f"Who {verb} {subject} {agent['participle']} by?"
    if first in PLACE_PARTICIPLES and _is_place(rest[len(first) + 1 :]):
        return f"Where {verb} {subject} {first}?"
    if _is_place(rest):
        return f"Where {verb} {subject}?"
    if _is_time(rest):
        return f"When {verb} {subject}?"
    named = rest.rstrip(".!")
    if is_name(named) and " " in subject:
        return f"{'Who' if is_person(subject) else 'What'} {verb} {subject}?"
    if verb in ("are", "were") and first in ("a", "an"):
        return ""  # a judgement about many
    if first in ("a", "an", "the") and more and not JUDGEMENTS & {more[0], head_noun(named.split(",")[0])}:
        who = (
            is_name(subject)
            and head_noun(subject) not in ORGANISATIONS
            and is_person(re.split(r",| (?:who|that|which) ", named)[0])
        )
        return f"{'Who' if who else 'What'} {verb} {subject}?"
    if _is_number(rest) and verb in ("is", "are") and subject.startswith("the "):
        return f"What {verb} {subject}?"
    if verb == "are" and _PLURAL_DEFINITION.match(rest):
        return f"What are {subject}?"
    return ""


def _full_verb(subject: str, verb: str, rest: str) -> str:
    if verb in TIMED_VERBS:
        return f"When does {subject} {TIMED_VERBS[verb]}?" if _is_time(rest) else ""
    base, *preposition = verb.split()
    does, base = ("does", base.removesuffix("s")) if base.endswith("s") else ("do", base)
    if base == "cost":
        return f"How much {does} {subject} cost?" if _is_number(rest) else ""
    if base == "belong":
        return f"Who {does} {subject} belong to?" if is_name(rest.split()[0].strip(".,")) else ""
    if base in ("last", "weigh"):
        asks = "How long" if base == "last" else "How much"
        return f"{asks} {does} {subject} {base}?" if _is_number(rest) else ""
    return f"What {does} {subject} {' '.join([base, *preposition])}?"


def _is_number(rest: str) -> bool:
    if re.search(r"\b\d+x\b|\b(?:faster|slower|more|less|than|better|times)\b", rest):
        return False  # a comparison
    return _NUMBER.match(rest) is not None or next(iter(words_of(rest.lower())), "") in NUMBERS


def _is_place(rest: str) -> bool:
    found = _PLACE.match(rest)
    if found is None or _is_time(rest):
        return False
    return (found["noun"] or "").lower() not in NO_PLACES


def _is_time(rest: str) -> bool:
    found = _TIME.match(rest)
    return found is not None and (found["time"].lower() in TIMES or _CLOCK.fullmatch(found["time"]) is not None)
