"""Phrases of a document as they may stand in a question: which are noun phrases, their case, article and number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from engine.data.questions.words import (
    AUXILIARIES,
    CLAUSE_WORDS,
    CONTEXT_NOUNS,
    DETERMINERS,
    IMPERATIVES,
    NEGATIONS,
    NOUNS_IN_ING,
    NUMBERS,
    OPENERS,
    PERSON_ENDINGS,
    PERSONS,
    PREPOSITIONS,
    PRONOUNS,
    PURE_VERBS,
)

_WORD = re.compile(r"[\w][\w'’.+/-]*[\w+]|\w")
_SUBJECT_PREPOSITIONS = frozenset(["of", "for", "in", "on", "at", "with"])
_SINGULAR_ENDINGS = ("ss", "us", "is", "'s", "’s", "news", "series")
_PLURALS = frozenset(["people", "men", "women", "children", "mice", "feet", "teeth"])
_NOUN_PHRASE = re.compile(r"[\w`'’“” \".+/-]+")
# Adverbs and conjunctions that break a noun phrase in two; "the last ferry" and "salt and pepper" are whole.
_BREAKS = (
    OPENERS
    - _SUBJECT_PREPOSITIONS
    - frozenset(["and", "or", "first", "second", "third", "next", "last", "most", "more", "less"])
)


# What follows a noun, so that an article before it is the noun's and not that of a longer phrase.
_AFTER_NOUN = r"[.,;:)?!]|$| (?:is|are|was|were|has|can|must|will|does|at|in|of|for|on|to|and|or|with|from|by|that)\b"


class Wording:
    """The words of a document as it writes them: by them a phrase gets the case and article it has in the text."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._lower: Counter[str] = Counter()
        self._capital: Counter[str] = Counter()
        raw: list[str] = []
        kept: list[str] = []
        for text in texts:
            kept.append(text.lower())
            raw.append(text)
            self._lower.update(re.findall(r"(?<![\w.])[a-z][\w'’-]*", text))
            self._capital.update(word.lower() for word in re.findall(r"(?<=[a-z,;] )[A-Z][\w'’-]*", text))
        self._text, self._raw = "\n".join(kept), "\n".join(raw)

    def inside(self, phrase: str) -> str:
        """Return a phrase that begins a sentence as it would stand inside a question."""
        words = phrase.replace('"', "").replace("“", "").replace("”", "").split()
        if words and words[0].lower() in DETERMINERS:
            words[0] = words[0].lower()
        elif len(words) > 1 and words[1] in PREPOSITIONS and self._lower[words[0].lower()]:
            words[0] = words[0].lower()  # the names come after "of"
        elif words and not any(self._is_name(word) for word in words) and not any(w[0].isupper() for w in words[1:]):
            known = self._lower[words[0].lower()] or self._lower[words[0].lower().removesuffix("s")]
            plain = re.fullmatch(r"[A-Z][a-z'’-]*", words[0]) is not None
            words[0] = words[0].lower() if plain and (known or len(words) > 1 or words[0].endswith("s")) else words[0]
        return " ".join(words)

    def titled(self, phrase: str) -> str:
        """Return a phrase out of a heading as it would stand inside a question: capitals are kept for names only."""
        if " " in phrase and re.search(rf"[a-z,] {re.escape(phrase)}\b", self._raw):
            return phrase
        words = phrase.split()
        if phrase.isupper() and len(words) > 1:
            return " ".join(word if re.search(rf"\b{re.escape(word)}\b", self._raw) else word.lower() for word in words)
        return " ".join(
            word.lower() if re.fullmatch(r"[A-Z][a-z'’][a-z'’-]*|[A-Z]", word) and not self._is_name(word) else word
            for word in words
        )

    def article(self, phrase: str) -> str:
        """Return the article that the document itself puts before a phrase, with a space, or an empty string."""
        if f" {phrase.lower()}" not in self._text:
            return ""
        found = Counter(re.findall(rf"\b(the|an?) {re.escape(phrase.lower())}(?={_AFTER_NOUN})", self._text))
        return f"{found.most_common(1)[0][0]} " if found else ""

    def with_article(self, phrase: str) -> str:
        """Return a phrase inside a question, with the document's article where it has none of its own."""
        shown = self.inside(phrase)
        own = shown.split()[0].lower() in DETERMINERS if shown else True
        return shown if own else self.article(phrase) + shown

    def is_known_name(self, phrase: str) -> bool:
        """Return whether the document writes every word of a phrase with a capital inside its sentences, too."""
        return all(self._is_name(word) for word in words_of(phrase))

    def _is_name(self, word: str) -> bool:
        """Return whether a word is capitalised inside sentences, and not only at the beginning of one."""
        plain = word.strip("'’\"`.,").lower().removesuffix("'s").removesuffix("’s")
        return self._capital[plain] > self._lower[plain]


def words_of(text: str) -> list[str]:
    """Return the words of a text, without punctuation around them."""
    return _WORD.findall(text)


def is_noun_phrase(phrase: str, *, most: int = 6) -> bool:
    """Return whether a phrase can be asked about by itself: at most `most` words, no clause, no pronoun, no verb form.

    Without a grammar of English this errs on the side of refusing.
    """
    words = words_of(phrase.lower())
    if any(word.split("'")[0].split("’")[0] in PRONOUNS for word in words):
        return False
    if not words or len(words) > most or not _NOUN_PHRASE.fullmatch(phrase) or not re.search(r"[^\W\d_]", phrase):
        return False
    if (
        words[0] in OPENERS
        or words[0].endswith("ly")
        or words[-1] in PREPOSITIONS | DETERMINERS
        or words[-1].endswith("ly")
    ):
        return False
    if any(word in PRONOUNS | AUXILIARIES | CLAUSE_WORDS | NEGATIONS for word in words):
        return False
    if any(word in _BREAKS for word in words[1:]) or (len(words) > 1 and words[0] in PURE_VERBS):
        return False
    if re.search(r"\w \d+$", phrase) or words[0][0].isdigit() or re.search(r"[a-z]{3}ed$", words[0]):
        return False
    if any(word in PREPOSITIONS - _SUBJECT_PREPOSITIONS for word in words[1:]):
        return False
    if any(word in DETERMINERS and words[at - 1] not in _SUBJECT_PREPOSITIONS for at, word in enumerate(words) if at):
        return False
    return not (words[0] in IMPERATIVES and len(words) > 1 and words[1] in DETERMINERS | NUMBERS)


def is_subject(phrase: str, *, most: int = 6) -> bool:
    """Return whether a noun phrase says by itself what it means, so that a question about it can be answered."""
    words = words_of(phrase.lower())
    if not is_noun_phrase(phrase, most=most) or is_gerund(words[0]) or words[0] in NUMBERS:
        return False
    if words[0] in ("its", "their", "his", "her", "our", "each", "every"):
        return False
    bare = [word for word in words if word not in DETERMINERS]
    if any(word in ("and", "or", "not", "no") for word in bare) or not bare:
        return False
    definite = words[0] not in ("a", "an")
    return not (definite and len(bare) <= 3 and head_noun(phrase) in CONTEXT_NOUNS)


def is_gerund(word: str) -> bool:
    """Return whether a word in lower case is most likely a verb in -ing."""
    return len(word) > 5 and word.endswith("ing") and word not in NOUNS_IN_ING


def head_noun(phrase: str) -> str:
    """Return the noun that a noun phrase is about, in lower case: the last word before its first preposition."""
    words = words_of(phrase.lower())
    end = next((at for at, word in enumerate(words) if at and word in PREPOSITIONS), len(words))
    return words[end - 1] if words else ""


def is_plural(phrase: str) -> bool:
    """Return whether a noun phrase takes "are"."""
    words, head = words_of(phrase), head_noun(phrase)
    if words and (words[0].lower() in ("a", "an") or re.search(r"[\d_./]|[a-z][A-Z]", words[-1])):
        return False
    if words and re.fullmatch(r"[A-Z][a-z]+", words[-1]):
        return False  # a name: Windows
    return head in _PLURALS or (len(head) > 3 and head.endswith("s") and not head.endswith(_SINGULAR_ENDINGS))


def is_person(phrase: str) -> bool:
    """Return whether a noun phrase names a person by what they do: the ferryman, the keeper of the bell."""
    head = head_noun(phrase)
    return head in PERSONS or (len(head) > 4 and head.endswith(PERSON_ENDINGS))


def is_name(phrase: str) -> bool:
    """Return whether a phrase is a proper name of a person: capitalised words only, none of them all capitals."""
    words = phrase.split()
    return 1 <= len(words) <= 3 and all(re.fullmatch(r"[A-Z][a-z'’]+(-[A-Z][a-z]+)?", word) for word in words)


def what_is(phrase: str) -> str:
    """Return "What is …?" or "What are …?" for a phrase as it stands inside a question."""
    return f"What {'are' if is_plural(phrase) else 'is'} {phrase}?"
