"""Records of JSON files: an object a line, a list, or one object, whatever the file's ending says."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from engine.data.formats.conversation import is_turns
from engine.data.formats.fields import CONVERSATIONS, KNOWN, question_fields
from engine.data.formats.records import FileNote, Found, Record
from engine.data.formats.source_file import SourceFile, decode
from engine.data.formats.values import WrittenFloat
from engine.data.rows import BadRow, excerpt

_BOM = b"\xef\xbb\xbf"
_WHOLE_BYTES = 256 << 20
"""A file of lines larger than this is not read as a whole to find out whether it is one JSON document."""
_SAMPLE_BYTES = 1 << 20
"""How much of a file of lines is looked at for its encoding."""
_WRAPPERS = ("data", "rows", "examples", "items", "train", "records", "entries", "questions", "chats", "conversations")


@dataclass(frozen=True, slots=True)
class _Repeated:
    """Stands for a JSON object with a repeated key: programs disagree on which of the two values counts."""

    key: str


def read_json_lines(file: SourceFile, max_bytes: int) -> Iterator[Found]:
    """Yield the record of each line, or those of a file that is one JSON document in spite of its name."""
    first = next((line for _, line in _lines(file, max_bytes) if line is None or line.strip()), b"")
    if first is not None and not _is_record(first) and (content := _beginning_of(file, _WHOLE_BYTES, whole=True)):
        text, _ = decode(content, by_line=True)
        if _is_document(text):
            yield FileNote(f"{file.shown} holds one JSON document, not lines; read anyway")
            yield from _document(file.shown, text)
            return
    _, encoding = decode(_beginning_of(file, _SAMPLE_BYTES), by_line=True)
    if encoding:
        yield FileNote(f"{file.shown} is not UTF-8: read as {encoding}")
    yield from _records(file, max_bytes, encoding)


def read_json(file: SourceFile, max_bytes: int) -> Iterator[Found]:
    """Yield the records of a JSON document: a list of them, an object with such a list in it, one record, or lines."""
    text, encoding = decode(file.read())
    if encoding:
        yield FileNote(f"{file.shown} is not UTF-8: read as {encoding}")
    if not text.strip():
        return
    try:
        document = _load(text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data" and "\n" in text.strip():
            yield FileNote(f"{file.shown} holds lines of JSON, not one document; read anyway")
            yield from _records(file, max_bytes, encoding)
            return
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        yield BadRow(file.shown, line, f"not JSON: {_json_problem(text, error)}", excerpt(text))
        return
    yield from _document(file.shown, text, document)


def _records(file: SourceFile, max_bytes: int, encoding: str) -> Iterator[Found]:
    for number, line in _lines(file, max_bytes, encoding):
        if line is None:
            yield BadRow(file.shown, number, f"the line is longer than max_line_bytes = {max_bytes}")
            continue
        if not line.strip():
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"invalid UTF-8 at byte {error.start + 1} of the line"
            yield BadRow(file.shown, number, reason, excerpt(line.decode("utf-8", "replace")))
            continue
        try:
            yield _record(file.shown, number, _load(text), text)
        except (ValueError, RecursionError) as error:
            yield BadRow(file.shown, number, _json_problem(text, error), excerpt(text))


def _lines(file: SourceFile, max_bytes: int, encoding: str = "") -> Iterator[tuple[int, bytes | None]]:
    """Yield (line number, line in UTF-8), with None for one that is too long, which is never held in memory whole."""
    # Latin-1 maps every byte to one character and back, so that the text layer's line ends work for bytes.
    as_bytes = "latin-1" if not encoding else "utf-8"
    with (
        file.open() as raw,
        io.TextIOWrapper(raw, encoding=encoding or "latin-1", errors="replace", newline=None) as lines,
    ):
        number = 0
        while text := lines.readline(max_bytes + 2):
            number += 1
            line = text.encode(as_bytes, "replace")
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line.removesuffix(b"\n")) <= max_bytes:
                yield number, line
                continue
            while text and not text.endswith("\n"):
                text = lines.readline(max_bytes)
            yield number, None


def _beginning_of(file: SourceFile, size: int, *, whole: bool = False) -> bytes:
    """Return the first lines of a file, at most `size` bytes; with `whole` nothing of one that is larger."""
    with file.open() as opened:
        content = opened.read(size + 1)
    if len(content) <= size:
        return content
    return b"" if whole else content[: content.rfind(b"\n") + 1]


def _is_record(line: bytes) -> bool:
    """Return whether a line is one record: an object, or the turns of a conversation."""
    try:
        value = _load(line.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | _Repeated) or is_turns(value)


def _is_document(text: str) -> bool:
    try:
        return isinstance(_load(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _document(shown: str, text: str, document: object = None) -> Iterator[Found]:
    document = _load(text) if document is None else document
    if isinstance(document, _Repeated):
        yield BadRow(shown, 1, f"has the key {document.key!r} twice", excerpt(text))
        return
    rows = _rows_in(document)
    if rows is None:
        yield BadRow(shown, 1, 'expected a list of rows, one row, or {"data": [rows]}', excerpt(text))
        return
    for number, value in enumerate(rows, start=1):
        yield _record(shown, number, value, _beginning(value))


def _rows_in(document: object) -> list[object] | None:
    """Return the records of a document, None where it has none."""
    if isinstance(document, list):
        found = cast("list[object]", document)
        return [found] if is_turns(found) else found
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, object]", document)
    prompt, answer, _ = question_fields(fields)
    for name in _WRAPPERS if prompt is None or answer is None else ():
        if not isinstance(value := fields.get(name), list):
            continue
        rows = cast("list[object]", value)
        if name not in CONVERSATIONS or not _is_one_conversation(rows):
            return rows
    return [fields] if KNOWN & {str(name).lower() for name in fields} or len(fields) > 1 else None


def _is_one_conversation(turns: list[object]) -> bool:
    return is_turns(turns) or all(isinstance(turn, str) for turn in turns)


def _load(text: str) -> object:
    """Decode JSON; an object with a repeated key becomes a `_Repeated`. Raises ValueError or RecursionError."""

    def pairs(found: list[tuple[str, object]]) -> object:
        fields = dict(found)
        if len(fields) == len(found):
            return fields
        names = [name for name, _ in found]
        return _Repeated(next(name for name in names if names.count(name) > 1))

    return json.loads(text, object_pairs_hook=pairs, parse_float=WrittenFloat)


def _record(shown: str, number: int, value: object, raw: str) -> Record | BadRow:
    """Return the record, or a BadRow if it or anything in it has a repeated key."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, _Repeated):
            return BadRow(shown, number, f"has the key {one.key!r} twice", excerpt(raw))
        if isinstance(one, dict):
            left += cast("dict[str, object]", one).values()
        elif isinstance(one, list):
            left += cast("list[object]", one)
    return Record(number, value, raw, shown)


def _beginning(value: object) -> str:
    try:
        return str(value)[:200]
    except RecursionError:
        return ""


def _json_problem(text: str, error: ValueError | RecursionError) -> str:
    if "\0" in text:
        return "contains a NUL byte"
    if isinstance(error, json.JSONDecodeError):
        return f"malformed JSON: {error.msg} at column {error.colno}"
    return "malformed JSON: nested too deeply" if isinstance(error, RecursionError) else f"malformed JSON: {error}"
