"""The curriculum folder: read `<root>/<stage>/…` stage by stage, in feeding order.

Inside a stage, files are read in natural order of their paths (`part2` before `part10`), rows in file order. A row that
occurs twice is kept once. Everything that is not trained on (bad rows, duplicates, other files, system messages) is
counted and reported.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.core.errors import UsageError
from engine.data.folders import files_below, natural_key, printable
from engine.data.formats.conversation import SYSTEM_MESSAGES
from engine.data.parsers import UNANSWERED
from engine.data.read_rules import DEFAULT_RULES, ReadRules
from engine.data.readers import SUFFIXES
from engine.data.row_stream import RowStream, SourceOfRows
from engine.data.rows import BadRow, Row

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A dropped row whose content is kept from `first`: the one read first, or the one rated last."""

    id: str
    source: str
    first: str


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that was read: its name for messages, its stage, how many rows it gave and how many were bad."""

    name: str
    stage: str
    rows: int
    bad: int


@dataclass(frozen=True, slots=True)
class Curriculum:
    """Rows in feeding order (stage, file, line) and everything that did not become a row."""

    stages: tuple[str, ...]
    rows: tuple[Row, ...]
    bad: tuple[BadRow, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    files: tuple[DataFile, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    marker: str = ""

    def of_stage(self, stage: str) -> tuple[Row, ...]:
        """Return the rows of one stage, in feeding order."""
        return tuple(row for row in self.rows if row.stage == stage)

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of rows of every stage, in stage order; 0 for a stage without rows."""
        found = Counter(row.stage for row in self.rows)
        return {stage: found[stage] for stage in self.stages}

    def refuse_bad(self) -> None:
        """Raise UsageError if any row is bad, as `--strict` demands."""
        if self.bad:
            raise UsageError(
                f"{_many(len(self.bad), 'bad row')}:\n{_listed(self.bad)}",
                hint="mend them, or leave --strict out to train on the rest",
            )

    def to_dict(self) -> dict[str, object]:
        """Return the counts for the journal and the manifest, with bad rows and duplicates in full."""
        return {
            "rows": self.counts,
            "bad": [{"file": row.file, "line": row.line, "reason": row.reason} for row in self.bad],
            "duplicates": [{"source": twin.source, "first": twin.first} for twin in self.duplicates],
            "ignored": list(self.ignored),
            "notes": list(self.notes),
            "system_messages": self.left_out.get(SYSTEM_MESSAGES, 0),
            "unanswered_turns": self.left_out.get(UNANSWERED, 0),
            "left_out": dict(self.left_out),
        }


@dataclass(slots=True)
class _Reader(RowStream):
    """Collects rows file by file; duplicates are detected across all of them."""

    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    duplicates: list[Duplicate] = field(default_factory=list[Duplicate])
    files: list[DataFile] = field(default_factory=list[DataFile])

    def read_all(self, files: Sequence[SourceOfRows]) -> None:
        """Read each file in turn; progress is counted in bytes."""
        for file, found in self.each_file(files):
            rows_before, bad_before = len(self.rows), len(self.bad)
            others_before = len(self.duplicates) + self.left_out.total()
            for row in found:
                self.take(row)
            rows, bad = len(self.rows) - rows_before, len(self.bad) - bad_before
            if not file.readable:
                continue
            self.files.append(DataFile(file.shown, file.stage, rows, bad))
            if not rows and not bad and len(self.duplicates) + self.left_out.total() == others_before:
                self.notes.append(f"{file.shown} is empty")

    def take(self, row: Row) -> None:
        known = self.rows.get(row.id)
        if known is not None and row.karma is not None:
            # Rated again: the last rating of an answer counts, and its row becomes the newest.
            del self.rows[row.id]
            self.duplicates.append(Duplicate(row.id, known.source, row.source))
            self.rows[row.id] = replace(row, stage=known.stage)
        elif known is not None:
            self.duplicates.append(Duplicate(row.id, row.source, known.source))
        else:
            self.rows[row.id] = row

    def done(self, stages: Sequence[str]) -> Curriculum:
        order = {stage: number for number, stage in enumerate(stages)}
        rows = sorted(self.rows.values(), key=lambda row: order[row.stage])
        return Curriculum(
            tuple(stages),
            tuple(rows),
            tuple(self.bad),
            tuple(self.duplicates),
            tuple(self.files),
            tuple(self.ignored),
            tuple(self.notes),
            dict(self.left_out),
            self.marker,
        )


def read_curriculum(
    root: Path,
    stages: Sequence[str],
    *,
    rules: ReadRules = DEFAULT_RULES,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> Curriculum:
    """Read every stage's folder under `root`.

    A stage without a folder gives a note. `on_done(done, total)` counts bytes and may raise to stop. Raises UsageError
    if the root is missing or cannot be read, or if no stage has a single good row.
    """
    if not root.is_dir():
        problem = "is not a folder" if root.exists() else "there is no such folder"
        raise UsageError(problem, where=str(root), hint=f"make it, with one folder a stage: {', '.join(stages)}")
    reader = _Reader(rules, on_done)
    for entry in sorted(_entries(root), key=lambda path: natural_key(path.name)):
        shown = printable(f"{root.name}/{entry.name}")
        if not entry.is_dir():
            reader.ignored.append(shown)
        elif entry.name not in stages and not entry.name.startswith("."):
            near = difflib.get_close_matches(entry.name, stages, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            reader.notes.append(f"{shown} is not one of [curriculum] stages and was not read{hint}")
    files, missing = list[SourceOfRows](), list[str]()
    for stage in stages:
        folder = root / stage
        if not folder.is_dir():
            missing.append(f"stage {stage} has no folder {root.name}/{stage}")
            continue
        for path, shown in files_below(folder, f"{root.name}/{stage}", reader.ignored, reader.notes, reader.bad):
            files.append(SourceOfRows(path, shown, stage))
    reader.read_all(files)
    reader.notes += missing
    curriculum = reader.done(stages)
    if not curriculum.rows:
        raise UsageError(
            _nothing(reader), where=str(root), hint=f"put {' '.join(SUFFIXES)} files into {root.name}/<stage>"
        )
    return curriculum


def read_files(
    paths: Iterable[Path],
    stage: str,
    *,
    stages: Sequence[str] = (),
    rules: ReadRules = DEFAULT_RULES,
    missing_ok: bool = False,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> Curriculum:
    """Read files, and all files in folders (`--data`, the inbox), as rows of `stage`.

    A file below a folder named like one of `stages` belongs to that stage instead. Finding no rows is not an error
    here. `on_done` as in `read_curriculum`. Raises UsageError for a path that does not exist (unless `missing_ok`), a
    pipe or device, or a file of an unknown format.
    """
    known = tuple(stages) if stage in stages else (*stages, stage)
    reader = _Reader(rules, on_done)
    reader.read_all(reader.find(paths, stage, stages=stages, missing_ok=missing_ok))
    return reader.done(known)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"the folder cannot be read: {error.strerror or error}", where=str(folder)) from error


def _nothing(reader: _Reader) -> str:
    if reader.bad:
        return f"no row can be learnt, {_many(len(reader.bad), 'bad row')}:\n{_listed(reader.bad)}"
    notes = "".join(f"\n  {note}" for note in reader.notes[:_SHOWN])
    return f"the curriculum is empty{':' if notes else ''}{notes}"


def _listed(bad: Sequence[BadRow]) -> str:
    more = [f"  … and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
    return "\n".join([*(f"  {row}" for row in bad[:_SHOWN]), *more])


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
