"""An answer without the white space around it, the indentation of its first line aside: code answers keep theirs."""

from __future__ import annotations

import re

_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_INDENTATION = re.compile(r"\A(?:\t| {2})[ \t]*(?=\S)")


def trim_answer(text: str) -> str:
    """Return an answer without blank lines before it and white space after it.

    White space before its first line goes too, unless that is indented by a tab, or by two spaces or more.
    """
    body = _BLANK_LINES.sub("", text).rstrip()
    return body if _INDENTATION.match(body) else body.lstrip()
