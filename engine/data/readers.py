"""Read the records of data files: .jsonl .json .csv .parquet, and .txt .md by paragraphs; broken ones are BadRows.

Text is UTF-8 with LF, CRLF or CR line ends, with or without a byte order mark. In a CSV file empty cells are absent,
`karma` is a number and `accept` either one answer or a JSON list. In Markdown a fenced block stays whole, headings
belong to the paragraph after them, and a line of rule marks separates like an empty one.
"""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from engine.data.rows import BadRow, excerpt

_BOM = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CSV_COLUMNS = ("prompt", "response", "instruction", "output", "text")
# csv.field_size_limit is process-wide: one reader at a time changes it and restores it.
_csv_limit = threading.Lock()


@dataclass(frozen=True, slots=True)
class Record:
    """A decoded record, still in its own format, with the line or record number it was found at."""

    line: int
    value: object
    raw: str


Found = Record | BadRow


@dataclass(frozen=True, slots=True)
class _Repeated:
    """Stands for a JSON object with a repeated key: programs disagree on which of the two values counts."""

    key: str


def read_records(path: Path, shown: str, max_bytes: int) -> Iterator[Found]:
    """Yield the records of a data file in order; `shown` is the file's name in messages.

    A file that cannot be read gives a BadRow. Raises KeyError for a suffix that is not in SUFFIXES.
    """
    try:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(path, shown)
            return
        with path.open("rb") as file:
            start = file.read(2)
        if start in _UTF16_MARKS:
            yield BadRow(shown, 1, "the file is UTF-16: save it as UTF-8")
            return
        yield from _READERS[path.suffix.lower()](path, shown, max_bytes)
    except OSError as error:
        yield BadRow(shown, 0, f"the file cannot be read: {error.strerror or error}")


def _jsonl(path: Path, shown: str, max_bytes: int) -> Iterator[Found]:
    for number, line in _lines(path, max_bytes):
        if line is None:
            yield BadRow(shown, number, f"the line is longer than max_line_bytes = {max_bytes}")
            continue
        if not line.strip():
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"invalid UTF-8 at byte {error.start + 1} of the line"
            yield BadRow(shown, number, reason, excerpt(line.decode("utf-8", "replace")))
            continue
        try:
            yield _record(shown, number, _load(text), text)
        except (ValueError, RecursionError) as error:
            yield BadRow(shown, number, _json_problem(text, error), excerpt(text))


def _lines(path: Path, max_bytes: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield (line number, line), with None for a line that is too long, which is never held in memory whole."""
    # Latin-1 maps every byte to one character and back, so that the text layer's line ends work for bytes.
    with path.open(encoding="latin-1", newline=None) as file:
        number = 0
        while text := file.readline(max_bytes + 2):
            number += 1
            line = text.encode("latin-1")
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line.removesuffix(b"\n")) <= max_bytes:
                yield number, line
                continue
            while text and not text.endswith("\n"):
                text = file.readline(max_bytes)
            yield number, None


def _json(path: Path, shown: str, max_bytes: int) -> Iterator[Found]:
    text = _whole(path)
    if not text.strip():
        return
    try:
        document = _load(text)
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        yield BadRow(shown, line, f"not JSON: {_json_problem(text, error)}", excerpt(text))
        return
    if isinstance(document, _Repeated):
        yield BadRow(shown, 1, f"has the key {document.key!r} twice", excerpt(text))
        return
    if isinstance(document, dict):
        document = cast("dict[str, object]", document).get("data")
    if not isinstance(document, list):
        yield BadRow(shown, 1, 'expected a list of rows or {"data": [rows]}', excerpt(text))
        return
    for number, value in enumerate(cast("list[object]", document), start=1):
        yield _record(shown, number, value, _beginning(value))


def _load(text: str) -> object:
    """Decode JSON; an object with a repeated key becomes a `_Repeated`. Raises ValueError or RecursionError."""

    def pairs(found: list[tuple[str, object]]) -> object:
        fields = dict(found)
        if len(fields) == len(found):
            return fields
        names = [name for name, _ in found]
        return _Repeated(next(name for name in names if names.count(name) > 1))

    return json.loads(text, object_pairs_hook=pairs)


def _record(shown: str, number: int, value: object, raw: str) -> Found:
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
    return Record(number, value, raw)


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


def _csv(path: Path, shown: str, max_bytes: int) -> Iterator[Found]:
    rows = [row for row in _csv_rows(_whole(path), shown) if isinstance(row, BadRow) or any(map(str.strip, row[1]))]
    if not rows:
        return
    header = rows[0]
    names = [] if isinstance(header, BadRow) else [name.strip().lower() for name in header[1]]
    if not set(names) & set(_CSV_COLUMNS):
        listed = excerpt(", ".join(names))
        yield BadRow(shown, 1, f"no column prompt, instruction or text in the header (found {listed})")
        return
    for row in rows[1:]:
        if isinstance(row, BadRow):
            yield row
            continue
        line, cells = row
        raw = ",".join(cells)
        if len(cells) > len(names):
            yield BadRow(shown, line, f"{len(cells)} cells, but the header has {len(names)}", excerpt(raw))
            continue
        value: dict[str, object] = {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}
        yield Record(line, _csv_types(value), raw)


def _csv_rows(text: str, shown: str) -> Iterator[tuple[int, list[str]] | BadRow]:
    with _csv_limit:
        before = csv.field_size_limit(2**31 - 1)
        try:
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    yield line, next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield BadRow(shown, line, f"malformed CSV: {error}")
        finally:
            csv.field_size_limit(before)


def _csv_types(value: dict[str, object]) -> dict[str, object]:
    """Decode the two cells that may be more than text; what does not decode is left for the row's own check."""
    for name, opens in (("karma", ""), ("accept", "[")):
        cell = value.get(name)
        if isinstance(cell, str) and cell.strip().startswith(opens):
            try:
                value[name] = json.loads(cell)  # a list or a number: no object, so no key twice
            except (ValueError, RecursionError):
                continue
    return value


def _parquet(path: Path, shown: str) -> Iterator[Found]:
    # Imported here because it costs 0.1 s that only a Parquet file should pay; it ships no types.
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for value in cast("list[dict[str, Any]]", batch.to_pylist()):
                    number += 1
                    yield Record(number, value, str(value)[:200])
    except (arrow.ArrowException, OSError, ValueError) as error:
        yield BadRow(shown, number + 1, f"not a readable Parquet file: {excerpt(str(error))}")


def _plain(path: Path, shown: str, max_bytes: int) -> Iterator[Found]:
    yield from _paragraphs(path, markdown=False)


def _markdown(path: Path, shown: str, max_bytes: int) -> Iterator[Found]:
    yield from _paragraphs(path, markdown=True)


def _paragraphs(path: Path, *, markdown: bool) -> Iterator[Record]:
    """Yield {"text": paragraph} for each run of lines without an empty line between them."""
    begun, held, fence = 1, list[str](), ""
    for number, line in enumerate(re.split(r"\r\n|\n|\r", _whole(path)), start=1):
        if fence:
            held.append(line)
            if re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}\s*", line):
                fence = ""
            continue
        separates = not line.strip() or (markdown and not held and re.fullmatch(r"\s{0,3}([-*_])(\s*\1){2,}\s*", line))
        if not separates:
            if not held:
                begun = number
            held.append(line)
            opened = re.match(r" {0,3}(`{3,}|~{3,})", line) if markdown else None
            fence = opened[1] if opened else ""
        elif markdown and held and _is_heading(held):
            held += [] if held[-1] == "" else [""]
        elif held:
            yield _paragraph(begun, held)
            held = []
    if held:
        yield _paragraph(begun, held)


def _is_heading(lines: list[str]) -> bool:
    """Return whether the last block of these lines is a heading, `# so` or underlined, that waits for its paragraph."""
    block = [line for line in lines if line.strip()]
    if re.fullmatch(r" {0,3}(=+|-{2,})\s*", block[-1]):
        return True
    return re.match(r" {0,3}#{1,6}(\s|$)", block[-1]) is not None


def _paragraph(line: int, lines: list[str]) -> Record:
    text = "\n".join(lines)
    return Record(line, {"text": text}, text[:200])


def _whole(path: Path) -> str:
    """Read a text file; bytes that are not UTF-8 become lone surrogates, for which their row is rejected later."""
    return path.read_bytes().removeprefix(_BOM).decode("utf-8", "surrogateescape")


_READERS: dict[str, Callable[[Path, str, int], Iterator[Found]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".txt": _plain,
    ".md": _markdown,
}
SUFFIXES = (*_READERS, ".parquet")
