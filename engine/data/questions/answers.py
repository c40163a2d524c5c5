"""The proposal itself, and the parts of a paragraph that may be an answer: whole sentences in the document's words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from engine.data.questions.document import Passage
from engine.data.questions.sentence_split import is_whole, sentences

Rule = Literal["faq", "heading", "definition", "table", "sentence", "model"]

MOST_WORDS = 45

# Words that point at another place of the document, where the person who asks is not.
_POINTERS = re.compile(
    r"\b(?:above|below|(?:the )?following|previous|latter|former|here(?:in|of|by|to|under|with)?|aforesaid"
    r"|this (?:section|page|chapter|document|file|guide|manual|release|version|table|list|example|case|way|means"
    r"|is why|is (?:a|the) (?:list|table))|see|e\.g\. this)\b",
    re.IGNORECASE,
)
_BACKWARD = re.compile(
    r"(?:but|and|or|so|first|second|next|finally|however|also|instead|then|otherwise|therefore|thus|hence|moreover"
    r"|furthermore|both|that is|those|these|such|yet|still|again|for example|for instance|in addition|similarly"
    r"|likewise|here|there)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question and its answer out of a document; `source` is `file:line` of the answer, `rule` what proposed it."""

    prompt: str
    response: str
    source: str
    rule: Rule

    def to_row(self) -> dict[str, str]:
        """Return the row of a data file."""
        return {"prompt": self.prompt, "response": self.response, "source": self.source}

    def to_dict(self) -> dict[str, str]:
        """Return everything, for JSON."""
        return {**self.to_row(), "rule": self.rule}


def word_count(text: str) -> int:
    """Return the number of words between white space."""
    return len(text.split())


def points_elsewhere(text: str) -> bool:
    """Return whether a text refers to another place of its document."""
    return _POINTERS.search(text) is not None


def opening(passage: Passage, *, most: int = MOST_WORDS) -> Passage | None:
    """Return the whole sentences with which a passage begins, at most `most` words; None if they are no answer.

    A sentence that points elsewhere or leads over to a list ends the answer.
    """
    if _BACKWARD.match(passage.text):
        return None
    end = words = 0
    for sentence in sentences(passage):
        words += word_count(sentence.text)
        if words > most or not is_whole(sentence.text) or points_elsewhere(sentence.text):
            break
        end = passage.text.index(sentence.text, end) + len(sentence.text)
    return passage.part(0, end) if end and word_count(passage.text[:end]) > 1 else None
