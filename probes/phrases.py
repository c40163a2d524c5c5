"""Corporate phrases: the pattern language of phrases.txt, and the search for its phrases in a text.

The language is described at the top of phrases.txt. A pattern becomes one regular expression that runs over a folded
copy of the text (straight quotes, NFKC, no invisible characters); hits are mapped back to the original's positions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_QUOTES = {**dict.fromkeys("‘’‚‛ʼ′´`", "'"), **dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‐‑", "-")}

# Between two words of a phrase: whitespace and line breaks, with at most clause punctuation or markdown marks.
_GAP = r"(?:[\s,;:*_\"()\-–—]|\.{3})+"
_ANY_WORD = r"[\w']+"
_SENTENCE_START = r"(?:\A|[.!?:\n])[\s\"'()*\-]*"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One pattern as written, its group (e.g. "apologising"), and the regular expression with the group `hit`."""

    pattern: str
    group: str
    regex: re.Pattern[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the phrase as plain JSON values."""
        return {"pattern": self.pattern, "group": self.group}


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a phrase occurs: `phrase` is the pattern, start/end are character positions in the original text."""

    phrase: str
    start: int
    end: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the hit as plain JSON values."""
        return {"phrase": self.phrase, "start": self.start, "end": self.end, "text": self.text}


def load_phrases(extra: Iterable[str] = ()) -> list[Phrase]:
    """Return the curated phrases followed by the user's own (group "extra" until a `[[group]]` line says otherwise).

    Raises ValueError naming the line and the mistake when a pattern cannot be read.
    """
    curated = files("probes").joinpath("phrases.txt").read_text(encoding="utf-8").splitlines()
    return [*_read(curated, "phrases.txt", ""), *_read(extra, "extra phrases", "extra")]


def find_corporate(text: str, phrases: Sequence[Phrase]) -> list[Hit]:
    """Return every phrase found in the text, by position; a hit inside a longer one is left out."""
    folded, origin = _fold(text)
    found: list[Hit] = []
    for phrase in phrases:
        for match in phrase.regex.finditer(folded):
            start, end = origin[match.start("hit")], origin[match.end("hit") - 1] + 1
            found.append(Hit(phrase.pattern, start, end, text[start:end]))
    found.sort(key=lambda hit: (hit.start, -hit.end))
    outer: list[Hit] = []
    for hit in found:
        if not outer or hit.end > outer[-1].end:
            outer.append(hit)
    return outer


def compile_phrase(pattern: str, group: str = "extra") -> Phrase:
    """Compile one pattern into a `Phrase`; raises ValueError naming the pattern and its mistake."""
    starts_sentence = pattern.startswith("^")
    body = _Parser(pattern.removeprefix("^").strip(), pattern).parse()
    regex = (_SENTENCE_START if starts_sentence else r"(?<!\w)(?<!\w')") + rf"(?P<hit>{body})(?!\w)"
    return Phrase(pattern, group, re.compile(regex, re.IGNORECASE))


def _read(lines: Iterable[str], where: str, group: str) -> list[Phrase]:
    phrases: list[Phrase] = []
    for number, line in enumerate(lines, start=1):
        pattern = " ".join(line.partition("#")[0].split())
        heading = re.fullmatch(r"\[\[(.+)\]\]", pattern)
        if heading:
            group = heading[1].strip()
        elif pattern:
            try:
                phrases.append(compile_phrase(pattern, group))
            except ValueError as error:
                raise ValueError(f"{where}, line {number}: {error}") from error
    return phrases


def _fold(text: str) -> tuple[str, list[int]]:
    """Return the text as the patterns see it, and for each of its characters the position in the original."""
    out: list[str] = []
    origin: list[int] = []
    for position, char in enumerate(text):
        if char in _INVISIBLE:
            continue
        for folded in unicodedata.normalize("NFKC", _QUOTES.get(char, char)):
            out.append(folded)
            origin.append(position)
    return "".join(out), origin


class _Parser:
    """Recursive descent over one pattern: sequence := unit (" " unit)*, unit := text | (a|b) | [a|b] | *."""

    def __init__(self, body: str, pattern: str) -> None:
        self.body, self.pattern, self.at = body, pattern, 0

    def parse(self) -> str:
        regex = self.sequence()
        if self.at < len(self.body):
            raise self.error(f"unexpected {self.body[self.at]!r}")
        return regex

    def sequence(self) -> str:
        """Parse words joined by gaps; an optional word or a wildcard includes the gap behind it."""
        regex, needs_gap, open_end = "", False, True
        while self.at < len(self.body) and self.body[self.at] not in ")]|":
            if self.body[self.at] == " ":
                self.at += 1
                continue
            unit, open_end = self.unit()
            regex += (_GAP if needs_gap else "") + unit
            needs_gap = not open_end
        if open_end:
            raise self.error("a phrase or alternative must end in a word, not in nothing, [optional] or *")
        return regex

    def unit(self) -> tuple[str, bool]:
        """Parse one piece without spaces; also returns whether it is open (may be empty, includes its own gap)."""
        if self.body[self.at] == "[":
            return f"(?:(?:{self.alternatives(']')}){_GAP})?", True
        if self.body[self.at] == "*":
            self.at += 1
            if self.at < len(self.body) and self.body[self.at] != " ":
                raise self.error("a * stands alone or at the end of a word")
            return rf"(?:{_ANY_WORD}{_GAP}){{0,3}}", True
        regex = ""
        while self.at < len(self.body) and self.body[self.at] not in " )]|":
            regex += self.character()
        return regex, False

    def character(self) -> str:
        char = self.body[self.at]
        if char == "(":
            return f"(?:{self.alternatives(')')})"
        self.at += 1
        if char == "*":
            return r"[\w']*"
        if char == "'":
            return "'?"
        if char in "!?.,":
            return rf"\s*{re.escape(char)}"
        if char.isalnum() or char == "-":
            return re.escape(char)
        raise self.error(f"{char!r} has no meaning here")

    def alternatives(self, closing: str) -> str:
        self.at += 1
        options = [self.sequence()]
        while self.at < len(self.body) and self.body[self.at] == "|":
            self.at += 1
            options.append(self.sequence())
        if self.at >= len(self.body) or self.body[self.at] != closing:
            raise self.error(f"a {closing!r} is missing")
        self.at += 1
        return "|".join(options)

    def error(self, problem: str) -> ValueError:
        return ValueError(f"phrase {self.pattern!r}: {problem}; see the top of phrases.txt for what a phrase may hold")
