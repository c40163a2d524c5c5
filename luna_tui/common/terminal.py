"""The two Rich consoles, stdout for data and stderr for everything else, and what the terminal can show."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from rich.console import Console, ConsoleDimensions

if TYPE_CHECKING:
    from rich.text import Text

_PLAIN_TERMS = frozenset(["dumb", "linux", "unknown", ""])
_PIPE_WIDTH = 120
_TO_ASCII = str.maketrans("·–×⏎→“”‘’≥≤…", "--x/>\"\"''><.")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The symbols this program draws; the ASCII set is for terminals without Unicode."""

    accepted: str = "✓"
    rejected: str = "✗"
    stopped: str = "■"
    unrecorded: str = "·"
    base: str = "○"
    head: str = "◀ HEAD"
    running: str = "▸"
    waiting: str = "·"
    trunk: str = "│"
    fork: str = "├─"
    last_fork: str = "└─"
    dot: str = "·"
    dash: str = "–"
    at_least: str = "≥"
    at_most: str = "≤"
    arrow: str = "→"
    ellipsis: str = "…"

    def relation(self, sign: str) -> str:
        """Return `>`, `<`, `>=` or `<=` as this terminal can show it."""
        return {">=": self.at_least, "<=": self.at_most}.get(sign, sign)


UNICODE = Glyphs()
ASCII = Glyphs(
    accepted="+",
    rejected="x",
    stopped="#",
    unrecorded=".",
    base="o",
    head="< HEAD",
    running=">",
    waiting=".",
    trunk="|",
    fork="|-",
    last_fork="`-",
    dot="-",
    dash="-",
    at_least=">=",
    at_most="<=",
    arrow="->",
    ellipsis="...",
)


class LunaConsole(Console):
    """A Rich console that takes its size from its own file and can be restricted to ASCII."""

    def __init__(self, file: IO[str], *, env: Mapping[str, str] = os.environ, width: int | None = None) -> None:
        self.ascii = needs_ascii(getattr(file, "encoding", None), env)
        # Printed text is never parsed as markup: data with brackets in it stays as it is.
        super().__init__(file=file, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)

    @property
    def glyphs(self) -> Glyphs:
        """The symbols that this console can show."""
        return ASCII if self.ascii else UNICODE

    @property
    def encoding(self) -> str:
        """The encoding by which Rich chooses box and bar characters."""
        return "ascii" if self.ascii else super().encoding

    @property
    def size(self) -> ConsoleDimensions:
        """The size of this console's own terminal: descriptors 1 and 2 may lead to a log file meanwhile."""
        if self._width is not None or os.environ.get("COLUMNS", "").isdigit():
            return super().size
        try:
            columns, lines = os.get_terminal_size(self.file.fileno())
        except (OSError, ValueError, AttributeError):
            return ConsoleDimensions(_PIPE_WIDTH, 25)
        return ConsoleDimensions(columns or 80, lines or 25)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size


def needs_ascii(encoding: str | None, env: Mapping[str, str] = os.environ) -> bool:
    """Return whether only ASCII is safe to print: not UTF-8, a Linux text console, or a dumb terminal."""
    utf8 = (encoding or "").lower().replace("-", "").replace("_", "").startswith("utf")
    return not utf8 or env.get("TERM") in ("linux", "dumb")


def is_live(stream: IO[str], env: Mapping[str, str] = os.environ) -> bool:
    """Return whether progress bars can be redrawn on a stream: a terminal that can move its cursor."""
    try:
        return stream.isatty() and env.get("TERM", "") not in _PLAIN_TERMS - {"linux"}
    except ValueError:
        return False


def stdout_console() -> LunaConsole:
    """Return the console for data, on stdout."""
    return LunaConsole(sys.stdout)


def stderr_console() -> LunaConsole:
    """Return the console for progress, questions and errors, on stderr."""
    return LunaConsole(sys.stderr)


def in_ascii(text: Text) -> Text:
    """Return the text with its typographic characters in ASCII, same length, same styles."""
    plain = text.copy()
    plain.plain = ascii_text(text.plain)
    return plain


def ascii_text(text: str) -> str:
    """Return a plain string with its typographic characters in ASCII."""
    return text.translate(_TO_ASCII).encode("ascii", "replace").decode("ascii")
