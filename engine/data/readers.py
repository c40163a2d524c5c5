"""Read the records of data files, in every format and compression people have; broken ones are BadRows.

Lines may end in LF, CRLF or CR. What was assumed about a file, such as its encoding, is a FileNote.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.core.errors import UsageError
from engine.data.formats.documents import read_paragraphs
from engine.data.formats.json_records import read_json, read_json_lines
from engine.data.formats.records import FileNote, Found, Record
from engine.data.formats.source_file import SUFFIXES, SourceFile, kind_of, source_files
from engine.data.formats.tables import read_parquet, read_table
from engine.data.rows import BadRow

__all__ = ["SUFFIXES", "FileNote", "Found", "Record", "kind_of", "read_records"]

NO_COLUMNS: Mapping[str, str] = {}


def read_records(path: Path, shown: str, max_bytes: int, columns: Mapping[str, str] = NO_COLUMNS) -> Iterator[Found]:
    """Yield the records of a data file in order; `shown` is the file's name in messages.

    `columns` maps luna's names of a table's columns to the file's. A file that cannot be read gives a BadRow.
    """
    at = shown
    try:
        for file in source_files(path, shown):
            at = file.shown
            yield from _read(file, max_bytes, columns)
    except UsageError as error:
        yield BadRow(at, 0, error.title)
    except (OSError, EOFError, zlib.error) as error:
        yield BadRow(at, 0, f"the file cannot be read: {getattr(error, 'strerror', None) or error}")


def _read(file: SourceFile, max_bytes: int, columns: Mapping[str, str]) -> Iterator[Found]:
    if file.kind in (".jsonl", ".ndjson"):
        yield from read_json_lines(file, max_bytes)
    elif file.kind == ".json":
        yield from read_json(file, max_bytes)
    elif file.kind in (".csv", ".tsv"):
        yield from read_table(file, columns)
    elif file.kind == ".parquet":
        yield from read_parquet(file)
    else:
        yield from read_paragraphs(file)
