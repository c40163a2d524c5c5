"""Makes text of models, files and configs safe to display: no character can control a terminal or be invisible.

Every character is mapped by itself, so pieces of a stream can be made safe as they arrive: an escape sequence that is
split over two tokens is as harmless as a whole one.
"""

from __future__ import annotations

import unicodedata
from functools import cache

# Format characters with a visible glyph: signs of Arabic, Syriac and Kaithi numbers.
_DRAWN_FORMATS = frozenset(
    [*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD],
)
# Invisible although they are no format characters: fillers, grapheme joiner, supplementary variation selectors.
_INVISIBLE = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0, *range(0xE0100, 0xE01F0)],
)
_HIDDEN_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])


def safe_text(text: str) -> str:
    r"""Return the text with every character that could control a terminal or be invisible replaced by a visible one.

    Control characters except newline and tab become their pictures (U+2400 + code, DEL U+2421); C1 controls, bidi
    controls, zero-width and other invisible characters, line separators and lone surrogates become `<U+202E>` etc.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join([_shown(character) for character in text])


def safe_line(text: str) -> str:
    """Return the text as `safe_text` does, on one line: newlines and tabs become visible characters too."""
    return safe_text(text).replace("\n", "⏎").replace("\t", "→")


def safe_for_pipe(text: str) -> str:
    """Replace only what could control a terminal at the pipe's end: control characters other than newline and tab."""
    return "".join([_shown(c) if unicodedata.category(c) == "Cc" else c for c in text])


@cache
def _shown(character: str) -> str:
    code = ord(character)
    if character in "\n\t":
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES and code not in _DRAWN_FORMATS
    return f"<U+{code:04X}>" if hidden or code in _INVISIBLE else character
