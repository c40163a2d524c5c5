"""Read data files row by row, so that files of any size can be read, and collect what does not become a row."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import UsageError
from engine.data.folders import files_below, printable
from engine.data.parsers import RowProblem, parse_record
from engine.data.read_rules import ReadRules
from engine.data.readers import SUFFIXES, FileNote, Record, kind_of, read_records
from engine.data.rows import BadRow, Row, excerpt


@dataclass(frozen=True, slots=True)
class SourceOfRows:
    """A file to read: its path, its name for messages, and the stage that its rows belong to."""

    path: Path
    shown: str
    stage: str

    @property
    def readable(self) -> bool:
        """Return whether it is a data file by its name; hidden files and other formats are not read."""
        return bool(kind_of(self.path.name)) and not self.path.name.startswith(".")


@dataclass(slots=True)
class RowStream:
    """Reads files one row at a time and keeps what was no row: bad rows, ignored files, notes, and counts of the rest.

    `on_done(done, total)` counts bytes and may raise to stop.
    """

    rules: ReadRules
    on_done: Callable[[int, int], None] = lambda _done, _total: None
    bad: list[BadRow] = field(default_factory=list[BadRow])
    ignored: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    left_out: Counter[str] = field(default_factory=Counter[str])
    marker: str = ""

    def find(
        self, paths: Iterable[Path], stage: str, *, stages: Sequence[str] = (), missing_ok: bool = False
    ) -> list[SourceOfRows]:
        """Return the files at these paths and in these folders, in the order they are read.

        A file below a folder named like one of `stages` belongs to that stage instead. Raises UsageError for a path
        that does not exist (unless `missing_ok`), a pipe or device, or a file of an unknown format.
        """
        files: list[SourceOfRows] = []
        for path in paths:
            if path.is_dir():
                for file, shown in files_below(path, path.name or str(path), self.ignored, self.notes, self.bad):
                    inside = (path.name, *file.relative_to(path).parts[:-1])
                    nearest = next((part for part in reversed(inside) if part in stages), stage)
                    files.append(SourceOfRows(file, shown, nearest))
            elif path.is_file():
                if not kind_of(path.name):
                    hint = f"known formats: {' '.join(SUFFIXES)}"
                    raise UsageError("not a data file luna can read", where=str(path), hint=hint)
                parent = path.parent.name
                files.append(SourceOfRows(path, printable(str(path)), parent if parent in stages else stage))
            elif path.exists():
                hint = "save it as a file"
                raise UsageError(
                    "a pipe or a device, which cannot be read again by a resume", where=str(path), hint=hint
                )
            elif not missing_ok:
                raise UsageError("there is no such file or folder", where=str(path), hint=_near_file(path))
        return files

    def rows_of(self, files: Sequence[SourceOfRows]) -> Iterator[Row]:
        """Yield the rows of these files in order."""
        for _, rows in self.each_file(files):
            yield from rows

    def each_file(self, files: Sequence[SourceOfRows]) -> Iterator[tuple[SourceOfRows, Iterator[Row]]]:
        """Yield each file with its rows, which are read as they are taken."""
        sizes = [_size(file.path) for file in files]
        done, total = 0, sum(sizes)
        for file, size in zip(files, sizes, strict=True):
            yield file, self._read(file, lambda read, at=done, most=size: self.on_done(at + min(read, most), total))
            done += size
            self.on_done(done, total)

    def _read(self, file: SourceOfRows, on_read: Callable[[int], None]) -> Iterator[Row]:
        if not file.readable:
            self.ignored.append(file.shown)
            return
        read = 0
        for found in read_records(file.path, file.shown, self.rules.max_line_bytes, self.rules.columns):
            read += len(found.raw) if isinstance(found, Record) else 1
            on_read(read)
            if isinstance(found, BadRow):
                self.bad.append(found)
            elif isinstance(found, FileNote):
                self.notes.append(found.text)
            else:
                yield from self._parse(found, file.stage)

    def _parse(self, found: Record, stage: str) -> tuple[Row, ...]:
        rules, source = self.rules, f"{found.file}:{found.line}"
        keep, limit = rules.markers == "keep", rules.max_line_bytes
        try:
            parsed = parse_record(
                found.value, stage=stage, source=source, max_bytes=limit, columns=rules.columns, keep_markers=keep
            )
        except RowProblem as problem:
            self.bad.append(BadRow(found.file, found.line, str(problem), excerpt(found.raw)))
            return ()
        self.left_out.update(parsed.left_out)
        if parsed.marker and not self.marker:
            self.marker = f"{parsed.marker} in {source}"
        return parsed.rows


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # deleted since it was listed: reading it reports that
        return 0


def _near_file(path: Path) -> str:
    try:
        names = os.listdir(path.parent)
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / near[0]}?" if near else ""
