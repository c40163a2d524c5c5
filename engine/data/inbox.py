"""The inbox: rows the user makes by rating and correcting answers, and which of them may be trained on.

One JSON object per line in `inbox/chat.jsonl`, append-only. The latest entry counts:

- for one answer to a prompt, its last rating; an answer rated down is never trained on as it was;
- of several answers to one prompt that were not rated down, the last one rated: a correction replaces the answer
  before it, and one prompt has one answer. Rating an answer down does not affect the others;
- unrated rows, as other files in the folder hold them, are dropped where their prompt has a rated answer that was not
  rated down.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from engine.core.errors import UsageError
from engine.data.curriculum import DEFAULT_RULES, ReadRules, read_files
from engine.data.messages import plain_message
from engine.data.parsers import RowProblem, parse_record
from engine.data.readers import Record, read_records
from engine.data.rows import Row
from engine.workspace.layout import Workspace
from ledger.durable import open_for_append

FILE = "chat.jsonl"
_MAX_BYTES = 1_000_000

Source = Literal["rated", "corrected", "import"]


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A prompt and an answer with the user's rating: karma +1 good, -1 bad, +2 corrected, 0 unrated.

    `gen` is the generation that answered (None: the base, or no model), `rejected` its answer that `response` replaced.
    """

    prompt: str
    response: str
    karma: int
    source: Source
    gen: int | None = None
    rejected: str | None = None


def append_row(
    workspace: Workspace,
    row: InboxRow,
    *,
    folder: str = "inbox",
    keep_markers: bool = False,
    check: Callable[[Row], None] = lambda _row: None,
) -> Path:
    """Append one row and return its file when it is durable; several consoles wait for each other.

    A torn last line, as a crash leaves it, is ended first and stays as a bad row. `check` may refuse, by raising, a row
    that would be trained on. Raises UsageError for a row that could not be trained on (empty, too long, not UTF-8,
    control markers without `keep_markers`), LedgerError when it cannot be written to disk.
    """
    fields = {name: value for name, value in asdict(row).items() if value is not None}
    line = json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"
    learnable = _require_learnable(row, fields, len(line), keep_markers)
    if row.karma >= 0:
        check(learnable)
    return _append(workspace.root / folder / FILE, line)


def append_rows(
    workspace: Workspace, rows: Sequence[Row], *, folder: str = "inbox", keep_markers: bool = False
) -> Path:
    """Append rows that nobody has rated, all or none, and return their file when it is durable.

    Raises UsageError for one that could not be trained on, LedgerError when they cannot be written to disk.
    """
    lines = b""
    for row in rows:
        fields: dict[str, Any] = {"messages": [plain_message(turn) for turn in row.turns]}
        if row.kind == "qa":
            fields = {"prompt": row.prompt, "response": row.response}
        line = json.dumps({**fields, "source": row.source}, ensure_ascii=True).encode("ascii") + b"\n"
        _require_readable(fields, len(line), keep_markers)
        lines += line
    return _append(workspace.root / folder / FILE, lines)


def read_rows(workspace: Workspace, *, folder: str = "inbox") -> tuple[InboxRow, ...]:
    """Return all rows of `inbox/chat.jsonl` in file order, superseded ones too; bad lines are skipped.

    A line that was not written by `append_row` has the source "import".
    """
    path = workspace.root / folder / FILE
    if not path.is_file():
        return ()
    rows: list[InboxRow] = []
    for record in read_records(path, FILE, _MAX_BYTES):
        if not isinstance(record, Record):
            continue
        try:
            parsed = parse_record(record.value, stage="", source="")
        except RowProblem:
            continue
        fields = cast("dict[str, Any]", record.value)
        rows += [_inbox_row(row, fields) for row in parsed.rows if row.kind == "qa"]
    return tuple(rows)


def count(workspace: Workspace, *, folder: str = "inbox") -> int:
    """Return how many inbox rows, in all its files, may be trained on, whether or not a generation has been."""
    return len(trainable_rows(workspace, folder=folder))


def trainable_rows(workspace: Workspace, *, folder: str = "inbox", rules: ReadRules = DEFAULT_RULES) -> list[Row]:
    """Return the inbox rows, in all its files, that may be trained on."""
    return usable(read_files([workspace.root / folder], "inbox", rules=rules, missing_ok=True).rows)[0]


def usable(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """Return the inbox rows that may be trained on, in order, and how many the user's ratings exclude.

    Rows without karma are kept, unless the same answer was rated down or their prompt has an answer with karma that was
    not.
    """
    given = list(rows)
    said: dict[str, Row] = {}
    for row in given:
        if row.karma is not None:
            said.pop(row.id, None)  # keeps the dict in the order of each answer's last rating
            said[row.id] = row
    answer_of = {_situation(row): row for row in said.values() if row.karma is not None and row.karma >= 0}
    down = rated_down(given)
    kept = [
        row
        for row in given
        if (
            row.id not in down and _situation(row) not in answer_of
            if row.karma is None
            else answer_of.get(_situation(row)) is row
        )
    ]
    return kept, len(given) - len(kept)


def rated_down(rows: Iterable[Row]) -> frozenset[str]:
    """Return the ids of the answers whose last rating is negative; rows without karma are no ratings."""
    verdicts = {row.id: row.karma for row in rows if row.karma is not None}
    return frozenset(row_id for row_id, karma in verdicts.items() if karma < 0)


def _situation(row: Row) -> str:
    """Return the key of what a row answers: its prompt; a plain text answers nothing and has its own id."""
    return f"prompt {row.prompt}" if row.kind == "qa" else row.id


def _require_learnable(row: InboxRow, fields: dict[str, Any], size: int, keep_markers: bool) -> Row:
    """Return the row as it will be read back; raises UsageError for what would only be a bad row then.

    The check is made now, while the user is there to correct it.
    """
    if not row.prompt.strip():
        raise UsageError("an empty prompt teaches nothing", where=FILE, hint="rate an answer to a prompt")
    if not row.response.strip():
        raise UsageError(
            "an empty answer teaches nothing", where=FILE, hint="correct it: write what should have been said"
        )
    return _require_readable(fields, size, keep_markers)


def _require_readable(fields: dict[str, Any], size: int, keep_markers: bool) -> Row:
    if size > _MAX_BYTES:
        raise UsageError(f"longer than {_MAX_BYTES} bytes", where=FILE, hint="write a shorter answer")
    try:
        parsed = parse_record(fields, stage="", source="", keep_markers=keep_markers)
    except RowProblem as problem:
        raise UsageError(f"this cannot be learnt: {problem}", where=FILE, hint="correct the answer by hand") from None
    if not parsed.rows:
        why = f"this cannot be learnt: it holds the control marker {parsed.marker}"
        raise UsageError(why, where=FILE, hint='correct it; or [curriculum] markers = "keep" learns markers')
    return parsed.rows[0]


def _append(path: Path, lines: bytes) -> Path:
    with open_for_append(path) as file:
        file.append((b"" if file.ends_whole() else b"\n") + lines)
    return path


def _inbox_row(row: Row, fields: dict[str, Any]) -> InboxRow:
    source, gen, rejected = fields.get("source"), fields.get("gen"), fields.get("rejected")
    return InboxRow(
        prompt=row.prompt,
        response=row.response,
        karma=int(row.karma or 0),
        source=source if source == "rated" or source == "corrected" else "import",
        gen=gen if isinstance(gen, int) else None,
        rejected=rejected if isinstance(rejected, str) else None,
    )
