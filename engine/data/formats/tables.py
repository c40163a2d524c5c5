"""Records of tables: .csv and .tsv with whichever delimiter, and Parquet."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Any, cast

from engine.data.formats.fields import KNOWN, how_to_map
from engine.data.formats.records import FileNote, Found, Record
from engine.data.formats.source_file import SourceFile, decode
from engine.data.rows import BadRow, excerpt

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# csv.field_size_limit is process-wide: one reader at a time changes it and restores it.
_csv_limit = threading.Lock()


def read_table(file: SourceFile, columns: Mapping[str, str]) -> Iterator[Found]:
    """Yield a record for each row of a table of text; the delimiter is the one that gives a header luna knows.

    Empty cells are absent, `karma` is a number, and `accept` either one answer or a JSON list. `columns` maps luna's
    names to the file's.
    """
    text, encoding = decode(file.read())
    if encoding:
        yield FileNote(f"{file.shown} is not UTF-8: read as {encoding}")
    usual = "\t" if file.kind == ".tsv" else ","
    delimiter = _delimiter(text, usual, columns.values())
    if delimiter != usual:
        yield FileNote(f"{file.shown} is separated by {_DELIMITERS[delimiter]}: read so")
    rows = [row for row in _rows(text, file.shown, delimiter) if isinstance(row, BadRow) or any(map(str.strip, row[1]))]
    if not rows:
        return
    header = rows[0]
    names = [] if isinstance(header, BadRow) else [_name(cell, columns.values()) for cell in header[1]]
    if not set(names) & (KNOWN | set(columns.values())):
        listed = excerpt(", ".join(names))
        yield BadRow(file.shown, 1, f"no column luna knows in the header (found {listed}): {how_to_map(names)}")
        return
    for row in rows[1:]:
        if isinstance(row, BadRow):
            yield row
            continue
        line, cells = row
        raw = delimiter.join(cells)
        if len(cells) > len(names):
            yield BadRow(file.shown, line, f"{len(cells)} cells, but the header has {len(names)}", excerpt(raw))
            continue
        value: dict[str, object] = {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}
        yield Record(line, _typed(value), raw, file.shown)


def read_parquet(file: SourceFile) -> Iterator[Found]:
    """Yield a record for each row of a Parquet file."""
    # Imported here because it costs 0.1 s that only a Parquet file should pay; it ships no types.
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    number = 0
    try:
        with file.open() as opened:
            source = opened if opened.seekable() else io.BytesIO(file.read())
            with parquet.ParquetFile(source) as table:
                for batch in table.iter_batches(batch_size=1024):
                    for value in cast("list[dict[str, Any]]", batch.to_pylist()):
                        number += 1
                        yield Record(number, value, str(value)[:200], file.shown)
    except (arrow.ArrowException, OSError, ValueError) as error:
        yield BadRow(file.shown, number + 1, f"not a readable Parquet file: {excerpt(str(error))}")


def _delimiter(text: str, usual: str, mapped: Collection[str]) -> str:
    """Return the delimiter that gives the header the most known columns, or else the most columns."""
    begin = text.lstrip("\r\n")[:20_000]

    def worth(delimiter: str) -> tuple[int, int, bool]:
        header = next((row[1] for row in _rows(begin, "", delimiter) if not isinstance(row, BadRow)), list[str]())
        names = [_name(cell, mapped) for cell in header]
        return len(set(names) & (KNOWN | set(mapped))), len(names), delimiter == usual

    return max(_DELIMITERS, key=worth)


def _name(cell: str, mapped: Collection[str]) -> str:
    """Return a column's name: as it is written where it is mapped, else in lower case."""
    return cell.strip() if cell.strip() in mapped else cell.strip().lower()


def _rows(text: str, shown: str, delimiter: str) -> Iterator[tuple[int, list[str]] | BadRow]:
    with _csv_limit:
        before = csv.field_size_limit(2**31 - 1)
        try:
            reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
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


def _typed(value: dict[str, object]) -> dict[str, object]:
    """Decode the two cells that may be more than text; what does not decode is left for the row's own check."""
    for name, opens in (("karma", ""), ("accept", "[")):
        cell = value.get(name)
        if isinstance(cell, str) and cell.strip().startswith(opens):
            try:
                value[name] = json.loads(cell)  # a list or a number: no object, so no key twice
            except (ValueError, RecursionError):
                continue
    return value
