"""JSON on stdout that any parser accepts: no NaN, and escapes where the encoding is not UTF-8."""

from __future__ import annotations

import json
import math
import sys
from typing import IO, Any, cast


def write_json(value: object, stream: IO[str] | None = None, *, indent: int | None = None) -> None:
    """Write one JSON value and a newline, unbuffered; a number that is not finite becomes null."""
    out = sys.stdout if stream is None else stream
    utf8 = (getattr(out, "encoding", None) or "").lower().replace("-", "").startswith("utf8")
    text = json.dumps(_finite(value), ensure_ascii=not utf8, allow_nan=False, indent=indent)
    # A lone surrogate cannot be encoded in UTF-8, but its escape is valid JSON.
    out.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    out.flush()


def write_document(value: object) -> None:
    """Write the one JSON document of a read-only command, indented when stdout is a terminal."""
    write_json(value, indent=2 if sys.stdout.isatty() else None)


def _finite(value: object) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("list[object]", value)]
    return value
