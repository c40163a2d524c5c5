"""Cut a long text into pieces that fit: between paragraphs, where one is too long between sentences, then words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

CountTokens = Callable[[Sequence[str]], list[int]]

# From the widest kind of gap to the narrowest; each piece keeps the gap behind it until the pieces are joined.
_GAPS = (
    re.compile(r"\n[ \t]*\n\s*"),  # between paragraphs
    re.compile(r"(?<=[.!?…])[\"'»”’)\]]*\s+|(?<=[。！？])|\n+"),  # between sentences, or lines
    re.compile(r"\s+"),  # between words
)


def cut_text(text: str, limit: int, count: CountTokens) -> list[str]:
    """Return the text in pieces of at most `limit` tokens, cut at the widest gaps that do; nothing but gaps is lost.

    `count` returns the tokens of each of several texts. A word longer than the limit is cut anywhere.
    """
    return _cut(text.strip(), limit, count, 0)


def _cut(text: str, limit: int, count: CountTokens, kind: int) -> list[str]:
    if not text or count([text])[0] <= limit:
        return [text] if text else []
    if kind == len(_GAPS):
        middle = len(text) // 2
        return [*_cut(text[:middle], limit, count, kind), *_cut(text[middle:], limit, count, kind)]
    parts = _split(text, _GAPS[kind])
    pieces: list[str] = []
    held = ""
    for part, tokens in zip(parts, count([part.strip() for part in parts]), strict=True):
        if tokens > limit:
            pieces += [*([held] if held else []), *_cut(part.strip(), limit, count, kind + 1)]
            held = ""
        elif held and count([(held + part).strip()])[0] > limit:
            pieces.append(held)
            held = part
        else:
            held += part
    return [stripped for piece in (*pieces, held) if (stripped := piece.strip())]


def _split(text: str, gap: re.Pattern[str]) -> list[str]:
    """Return the parts of a text, each with the gap behind it."""
    ends = [match.end() for match in gap.finditer(text) if match.end() < len(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
