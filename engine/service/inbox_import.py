"""Import rows out of files and folders: read one at a time, let in once, masked if wanted, written as JSON lines."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO

from engine.config.config import Config
from engine.core.counted import counted
from engine.core.errors import UsageError, cannot_write
from engine.data.incoming.data_line import data_line
from engine.data.incoming.redact import Redactor
from engine.data.incoming.sieve import Sieve, Tally
from engine.data.left_out import left_out_lines
from engine.data.read_rules import ReadRules
from engine.data.readers import kind_of
from engine.data.row_stream import RowStream
from engine.data.rows import BadRow, Row
from engine.pipeline.row_lengths import HINT, measure
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.durable import make_durable

ROWS_AT_A_TIME = 2_000
"""How many rows are held in memory, and measured together."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What becomes of the rows.

    `region` masks personal data, with the phone numbers of that country (empty: nothing is masked). `keep_near` takes
    near duplicates, too. `stage` names a stage of the curriculum as the destination; empty means the inbox.
    """

    region: str = ""
    keep_near: bool = False
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file or folder held, in answers, and the file that its new rows were written to (None: a preview).

    `too_long` of the new answers exceed the context and are among `bad`; `unmeasured` rows may exceed it, since the
    base has no tokenizer yet.
    """

    source: Path
    path: Path | None
    rows: int
    tally: Tally
    redacted: Mapping[str, int]
    bad: tuple[BadRow, ...]
    too_long: int
    unmeasured: int
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Return whether nothing in it is new and fits the context."""
        return self.rows == 0


@dataclass(slots=True)
class _Lengths:
    """Answers that do not fit the context, added up over the parts of a source."""

    too_long: int = 0
    unmeasured: int = 0
    bad: list[BadRow] = field(default_factory=list[BadRow])


class Importer:
    """Imports sources into one place of a workspace, or previews that where `workspace` is None or nothing is written.

    Rows that the destination has already are known. `on_done(done, total, label)` counts bytes and may raise to stop.
    """

    def __init__(
        self,
        workspace: Workspace | None,
        config: Config,
        options: ImportOptions,
        on_done: Callable[[int, int, str], None] = lambda _done, _total, _label: None,
    ) -> None:
        self._workspace, self._config, self._options, self._on_done = workspace, config, options, on_done
        self._rules = ReadRules.of(config.curriculum)
        self._redactor = Redactor(options.region) if options.region else None
        self._sieve = Sieve(redactor=self._redactor, keep_near=options.keep_near)

    def preview(self, sources: Sequence[Path]) -> list[Imported]:
        """Return what would be imported, and write nothing; raises UsageError for what cannot be read."""
        with Runtime() as runtime:
            self._know_what_is_there()
            return [self._import(source, None, runtime) for source in sources]

    def bring_in(self, sources: Sequence[Path], today: date) -> list[Imported]:
        """Write each source's new rows into a file of its own, whose name begins with the date.

        Either all sources are imported or none. Raises UsageError when one cannot be read, or when none of them brings
        anything that is new and fits the context.
        """
        assert self._workspace is not None
        folder = self.destination
        written: list[tuple[Path, Imported]] = []
        with contextlib.ExitStack() as staged, Runtime() as runtime:
            self._know_what_is_there()
            for number, source in enumerate(sources):
                temporary = folder / f".import-{os.getpid()}-{number}.tmp"
                staged.callback(temporary.unlink, missing_ok=True)
                with _open(temporary) as file:
                    written.append((temporary, self._import(source, file, runtime)))
            found = [one for _, one in written]
            if all(one.empty for one in found):
                raise _nothing_new(found, self._options.stage)
            done: list[Imported] = []
            for temporary, one in written:
                if one.empty:
                    done.append(one)
                    continue
                path = _free_name(folder, f"{today.isoformat()}-{_stem(one.source)}.jsonl")
                make_durable(temporary)
                temporary.replace(path)
                make_durable(path)
                done.append(replace(one, path=path))
        return done

    @property
    def destination(self) -> Path:
        """Return the folder that rows are written into."""
        assert self._workspace is not None
        section, root = self._config.curriculum, self._workspace.root
        return root / section.path / self._options.stage if self._options.stage else root / section.inbox

    def _know_what_is_there(self) -> None:
        if self._workspace is None:
            return
        stream = RowStream(self._rules, lambda done, total: self._on_done(done, total, "what is there"))
        for row in stream.rows_of(stream.find([self.destination], self._stage, missing_ok=True)):
            self._sieve.know(row)

    @property
    def _stage(self) -> str:
        return self._options.stage or self._config.curriculum.stages[-1]

    def _import(self, source: Path, file: IO[str] | None, runtime: Runtime) -> Imported:
        stream = RowStream(self._rules, lambda done, total: self._on_done(done, total, source.name))
        tally, lengths = Tally(), _Lengths()
        masked_before = Counter(self._redactor.counts if self._redactor else ())
        rows = stream.rows_of(stream.find([source], self._stage))
        sifted = (new for row in rows if (new := self._sieve.sift(row, tally)) is not None)
        taken = 0
        while part := list(islice(sifted, ROWS_AT_A_TIME)):
            taken += self._measure(part, lengths, runtime)
            if file is not None:
                file.writelines(data_line(row) for row in part)
        redacted = Counter(self._redactor.counts if self._redactor else ()) - masked_before
        bad = sorted((*stream.bad, *lengths.bad), key=lambda row: (row.file, row.line))
        notes = (*stream.notes, *left_out_lines(stream.left_out, stream.marker))
        if stream.ignored:
            notes += (f"{counted(len(stream.ignored), 'file')} of other kinds not read, such as {stream.ignored[0]}",)
        return Imported(source, None, taken, tally, redacted, tuple(bad), lengths.too_long, lengths.unmeasured, notes)

    def _measure(self, rows: list[Row], lengths: _Lengths, runtime: Runtime) -> int:
        """Add up what does not fit the context, and return how many answers do."""
        if self._workspace is None:
            return sum(row.size for row in rows)
        found = measure(self._workspace, self._config, rows, runtime)
        fitting = sum(row.size for row in found.fitting(rows))
        lengths.too_long += sum(row.size for row in rows) - fitting
        lengths.unmeasured += found.unmeasured
        lengths.bad += found.as_bad_rows(rows)
        return fitting


def _nothing_new(found: Sequence[Imported], stage: str) -> UsageError:
    where = ", ".join(str(one.source) for one in found)
    known = sum(one.tally.known for one in found)
    if any(one.too_long for one in found):
        bad = [row for one in found for row in one.bad]
        return UsageError(f"no new row can be learnt: {_first(bad)}", where=where, hint=HINT)
    if known:
        words = counted(known, "row is", "rows are")
        there, hint = (stage, "") if stage else ("the inbox", "luna-tui inbox list")
        return UsageError(f"all {words} in {there} already", where=where, hint=hint)
    bad = [row for one in found for row in one.bad]
    notes = [note for one in found for note in one.notes]
    why = _first(bad) or "; ".join(notes[:3])
    return UsageError(f"no usable row{': ' + why if why else ''}", where=where)


@contextlib.contextmanager
def _open(path: Path) -> Generator[IO[str]]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
    except OSError as error:
        raise cannot_write(error, path.parent, "the imported rows") from error


def _first(bad: Sequence[BadRow]) -> str:
    return "; ".join(f"line {row.line}: {row.reason}" for row in bad[:3])


def _stem(source: Path) -> str:
    """Return a source's name without the endings of data files and packed ones."""
    name = source.resolve().name if source.is_dir() else source.name
    while kind_of(name) and "." in name.strip("."):
        name = name.rpartition(".")[0]
    return name.lstrip(".") or "rows"


def _free_name(folder: Path, name: str) -> Path:
    stem, suffix = os.path.splitext(name)
    names = (folder / (f"{stem}-{n}{suffix}" if n > 1 else name) for n in range(1, 10_000))
    return next(path for path in names if not path.exists())
