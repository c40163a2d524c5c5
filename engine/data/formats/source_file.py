"""Data files as bytes and text: compressed or not, inside an archive or not, in whichever encoding they were saved.

A file of a kind that luna reads may be compressed (`.gz`), and any number of them may lie in a `.zip`.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.core.errors import UsageError

KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".md", ".parquet")
SUFFIXES = (*KINDS, ".zip", "any of these with .gz")

UNPACKED_LIMIT = 4 << 30
"""The most bytes that one compressed file may unpack to: more is a mistake, or meant to fill the disk."""

# A byte that is a letter in most 8-bit encodings, beside a letter: a word, and not a file that was damaged.
_LETTER = re.compile(rb"[A-Za-z\xc0-\xfe][\xc0-\xfe]|[\xc0-\xfe][a-z]")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: its name in messages, its kind (a suffix of KINDS), and how to open it."""

    shown: str
    kind: str
    open: Callable[[], IO[bytes]]

    def read(self) -> bytes:
        """Return the whole content; raises OSError, or UsageError beyond the limit."""
        with self.open() as file:
            content = file.read(UNPACKED_LIMIT + 1)
        if len(content) > UNPACKED_LIMIT:
            raise UsageError(f"unpacks to more than {UNPACKED_LIMIT >> 30} GiB", where=self.shown)
        return content


def kind_of(name: str) -> str:
    """Return the kind of a data file by its name, `.zip` for an archive, "" for a file of another kind."""
    path = Path(name.lower())
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return suffix if suffix in KINDS or (suffix == ".zip" and path.suffix == ".zip") else ""


def source_files(path: Path, shown: str) -> Iterator[SourceFile]:
    """Yield the data files at a path: itself, or those in an archive, in natural order.

    Raises OSError when it cannot be read, UsageError for what is no archive.
    """
    kind = kind_of(path.name)
    if kind != ".zip":
        yield SourceFile(shown, kind, _opener(path, path.suffix.lower() == ".gz"))
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                inside = Path(entry.filename)
                hidden = any(part.startswith((".", "__MACOSX")) for part in inside.parts)
                kind = kind_of(entry.filename)
                if entry.is_dir() or hidden or not kind or kind == ".zip":
                    continue
                if entry.file_size > UNPACKED_LIMIT:
                    raise UsageError(f"unpacks to more than {UNPACKED_LIMIT >> 30} GiB", where=entry.filename)
                packed = inside.suffix.lower() == ".gz"
                yield SourceFile(f"{shown}!{entry.filename}", kind, _member(archive, entry, packed))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"not a readable archive: {error}", where=shown) from error


def decode(content: bytes, *, by_line: bool = False) -> tuple[str, str]:
    """Return the text of a file, and the encoding that was assumed, "" for UTF-8.

    UTF-8 is what files are, unless a byte order mark says otherwise or nothing in them that is not ASCII is UTF-8. Then
    the encoding is detected. Single bytes that are no UTF-8 become lone surrogates, for which their row is rejected
    later; with `by_line` one broken line says nothing about a file's encoding.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content.decode(name, "surrogateescape" if name == "utf-8" else "replace").removeprefix("\ufeff"), (
                "" if name == "utf-8" else name.upper()
            )
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    if b"\0" in content or not _is_other_encoding(content, 2 if by_line else 1):
        return content.decode("utf-8", "surrogateescape"), ""
    name = detected(content)
    return content.decode(name, "replace"), name


def detected(content: bytes) -> str:
    """Return the encoding of text that is not UTF-8: Windows-1252 unless another is clearly the case."""
    from charset_normalizer import from_bytes  # 0.05 s that only such a file should pay

    best = from_bytes(content[:200_000]).best()
    name = best.encoding if best is not None else "cp1252"
    # Western encodings differ in a few quotation marks only, which Windows-1252 alone has.
    if re.match(r"cp125[0247]|cp437|cp8\d\d|latin|iso8859|mac|hp_roman|cp1140|cp037|cp500|cp1026|cp273", name):
        return "cp1252"
    return name


def _is_other_encoding(content: bytes, fewest: int) -> bool:
    """Return whether lines beyond ASCII are never UTF-8, at least `fewest` of them, and hold letters within words."""
    broken, letters = 0, sum(byte > 127 for byte in content[:10_000]) > len(content[:10_000]) / 5
    for line in content.splitlines():
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            return False
        except UnicodeDecodeError:
            broken += 1
            letters = letters or _LETTER.search(line) is not None
    return letters and broken >= fewest


def _opener(path: Path, packed: bool) -> Callable[[], IO[bytes]]:
    def open_it() -> IO[bytes]:
        return gzip.open(path, "rb") if packed else path.open("rb")  # pyright: ignore[reportReturnType]

    return open_it


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, packed: bool) -> Callable[[], IO[bytes]]:
    def open_it() -> IO[bytes]:
        file = archive.open(entry)
        return gzip.open(file, "rb") if packed else file  # pyright: ignore[reportReturnType]

    return open_it
