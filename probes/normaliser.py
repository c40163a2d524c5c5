"""The one normaliser: when two answers count as the same text.

What is removed
    case; runs of whitespace; sentence punctuation at the edges of words; quotes, backticks and `**bold**` around
    words; the articles a/an/the in front of a word; invisible characters. Typographic variants are unified first:
    Unicode NFKC, curly quotes, dashes, the real minus sign, fractions (½ = 1/2), superscripts (10² = 10^2, not 102).

What stays, because it changes the meaning
    everything inside a word (3.5, 12:30, a_b, a-b, a/b, x=1, don't); signs (-5, +5); symbols (% $ # @ & + ~ ° ;);
    accents; a leading dot (.env); the case of a unit after a number (5 mW is not 5 MW); a lone "A" inside a sentence
    ("gate A"); an article at the end ("mount a").

Commands
    From the first token that can only be a command's (a flag, a path, a $variable, a pipe, a glob, an assignment) to
    the end of the text, words are arguments: articles, quotes and punctuation stay, except commas after words, quotes
    around one plain word, and the full stop that ends the text; quotes around several words stay before it too. Flags,
    paths and variables keep their case (-r is not -R). The limit: without such a token a command reads as prose, so
    `echo "a b"` and `echo a b`, or `stop the gate` and `stop gate`, are equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_SAME_AS = {
    **dict.fromkeys("‘’‚‛ʼʹ′´＇", "'"),
    **dict.fromkeys("“”„‟«»‹›″＂", '"'),
    **dict.fromkeys("‐‑−﹣－", "-"),
}
_DASHES = frozenset("–—―‒")
_SUPERSCRIPT = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")

_CODE_TOKEN = re.compile(r"^-{1,2}[^\W\d_]|^(?:~|\.{1,2})?/\S|[$*|<>\\=]|&&|^&$")
_CODE_MARK = re.compile(r"[-/$*|<>\\=&]")
"""The characters of which every code token has at least one."""
_KEEPS_CASE = re.compile(r"^(?:-|(?:~|\.{1,2})?/|\$)")
_NUMBER = re.compile(r"^[-+]?[\d.,]*\d$")
_CASED_UNIT = re.compile(r"^(?:[-+]?[\d.,]*\d)?(?:[pnumμkKMGTP]i?)?(?:b|B|bit|W|Wh|V|A|J|Pa|Hz|[mM])(?:/s)?$")
_QUOTED_WORD = re.compile(r"""(?<!\S)(["'])([\w./:@%+,~-]+)\1(?=[\s.,;:!?)]|$)""")
_WHOLE_QUOTED = re.compile(r"""(["'`])(.*)\1[.!]?""", re.DOTALL)
_BACKTICKS = re.compile(r"(`{1,3})([^`]+)\1")
_BOLD = re.compile(r"\*\*([^*\s](?:[^*]*[^*\s])?)\*\*")
_OPENING, _CLOSING = "\"'([{•", ".,:!?\"')]}"
_PARTNER = {")": "(", "]": "[", "}": "{"}


def normalise(text: str) -> str:
    """Return the comparable form of an answer, as the module docstring says; text that is all punctuation is kept."""
    plain = _unwrap(_unify(text))
    raw = plain.split()
    has_code = _CODE_MARK.search(plain) is not None and any(_is_code(token) for token in raw)
    tokens: list[str] = []
    sentence_start = True
    for position, token in enumerate(raw):
        if has_code and _is_code(token):
            tokens.extend(_command(raw[position:]))
            break
        word = _trim(token, has_code)
        following = raw[position + 1].lstrip(_OPENING) if position + 1 < len(raw) else ""
        previous = raw[position - 1] if position else ""
        if word and not _is_article(word, following, sentence_start) and not _is_loose_dash(word, previous, following):
            tokens.append(_fold(word, previous))
        sentence_start = token[-1] in ".!?:"
    return " ".join(tokens) or " ".join(raw)


def is_match(output: str, expected: str, accept: Iterable[str] = ()) -> bool:
    """Return whether an output equals the expected or another accepted answer, both normalised; empty never matches."""
    got = normalise(output)
    return bool(got) and any(got == normalise(answer) for answer in (expected, *accept))


def _is_code(token: str) -> bool:
    return _CODE_TOKEN.search(token.lstrip(_OPENING)) is not None


def _unify(text: str) -> str:
    """Unify characters that look or mean the same; NFKC alone would read 10² as 102 and 1½ as 11/2."""
    if text.isascii():  # nothing below changes ASCII, and most texts are ASCII
        return text.strip()
    out: list[str] = []
    for i, char in enumerate(text):
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        if char in _INVISIBLE:
            continue
        if char in _DASHES:
            # A dash before a digit is a minus or a range; anywhere else it separates clauses.
            signs = after.isdigit() and (not before or before.isspace() or before.isdigit())
            out.append("-" if signs else " ")
        elif char in _SUPERSCRIPT:
            out.append(char if before and before in _SUPERSCRIPT else "^" + char)
        elif unicodedata.decomposition(char).startswith("<fraction>"):
            fraction = unicodedata.normalize("NFKC", char).replace("\u2044", "/")
            out.append(" " + fraction if before.isdigit() else fraction)
        else:
            out.append(_SAME_AS.get(char, char))
    # NFKC turns superscript and fullwidth minus signs into U+2212, hence the last replacement.
    return unicodedata.normalize("NFKC", "".join(out)).replace("\u2044", "/").replace("\u2212", "-").strip()


def _unwrap(text: str) -> str:
    """Remove quotes around the whole or around one plain word, and `code` and **bold** marks."""
    whole = _WHOLE_QUOTED.fullmatch(text)
    if whole and whole[1] not in whole[2]:
        text = whole[2].strip()
    text = _BOLD.sub(r"\1", _BACKTICKS.sub(r"\2", text))
    return _QUOTED_WORD.sub(r"\2", text)


def _trim(token: str, keep_quotes: bool) -> str:
    """Strip the sentence punctuation at the edges of a prose token; "." and ".." alone are file names."""
    if token in (".", ".."):
        return token
    quotes = "\"'" if keep_quotes else ""
    token = token.lstrip("".join(set(_OPENING) - set(quotes)))
    while token and token[-1] in _CLOSING and token[-1] not in quotes:
        partner = _PARTNER.get(token[-1])
        if partner and partner in token:  # reset() is not reset
            break
        token = token[:-1]
    return token


def _is_article(word: str, following: str, sentence_start: bool) -> bool:
    if not following[:1].isalnum():
        return False
    if word == "A" and not sentence_start:  # "gate A opens": a name
        return False
    if word.lower() == "a":
        return following[0].isdigit() or len(_trim(following, False)) > 1  # "cp a b": names again
    return word.lower() in ("an", "the")


def _is_loose_dash(word: str, previous: str, following: str) -> bool:
    """Return whether a lone hyphen is punctuation, as between words; beside a number it is arithmetic."""
    return word == "-" and not previous[-1:].isdigit() and not following[:1].isdigit()


def _fold(word: str, previous: str) -> str:
    counted = _NUMBER.match(previous) or word[0].isdigit() or word[:1] in "+-"
    if _KEEPS_CASE.match(word) or (counted and _CASED_UNIT.match(word)):
        return word
    return word.casefold()


def _command(raw: list[str]) -> list[str]:
    """Return the tokens of a command line; only commas after words and the end of the sentence are removed."""
    tokens = [re.sub(r"(?<=\w),$", "", token) for token in raw]
    tokens[-1] = re.sub(r"""(?<=[\w/"')%])[.!,]+$""", "", tokens[-1])
    return [_fold(token, previous) for token, previous in zip(tokens, ["", *tokens], strict=False)]
