"""The ledger file as text: which lines are rows, which are evidence of a crash, and which are damage."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Final

from ledger.durable import TORN_MARK
from ledger.errors import LedgerDamaged
from ledger.row import COLUMNS, LedgerRow, is_sha256

HEADER: Final = ",".join(COLUMNS)
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One row that could be parsed: its line number (from 1), its fields exactly as written, and their values."""

    number: int
    fields: tuple[str, ...]
    row: LedgerRow


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that parsing a ledger file yields.

    `evidence` are the numbers of torn lines that were closed since, `torn_tail` is an unfinished last line, and
    `repair` is what an append must write first to close it.
    """

    has_header: bool
    lines: tuple[Line, ...]
    faults: tuple[LedgerDamaged, ...]
    evidence: tuple[int, ...]
    torn_tail: str | None
    repair: bytes


def scan(data: bytes, file: str, *, is_recorded: dict[int, str] | None = None) -> Scan:
    """Parse a ledger file, continuing past every fault; `file` is its name in the faults' `where`.

    The last line may lack its end. It counts as a row when a person wrote it (it has a short hash), or when it is word
    for word what the generation's manifest holds (`is_recorded`: GEN_ID → line). Otherwise a write was cut off there,
    which may have cost digits of the last number, so it is no row but `torn_tail`.
    """
    *ended, tail = data.removeprefix(_BOM).split(b"\n")
    header_seen = False
    lines: list[Line] = []
    faults: list[LedgerDamaged] = []
    evidence: list[int] = []
    for number, raw in enumerate(ended, start=1):
        if raw.endswith(TORN_MARK):
            evidence.append(number)
        elif raw.strip():
            try:
                if header_seen:
                    lines.append(_read_line(raw, number, file))
                else:
                    header_seen = True  # a header that cannot be read is one fault, not one for every row
                    _check_header(raw, number, file)
            except LedgerDamaged as error:
                faults.append(error)

    torn_tail: str | None = None
    repair = b""
    if tail.strip():
        repair = TORN_MARK + b"\n"
        try:
            if header_seen:
                line = _read_line(tail, len(ended) + 1, file)
                # Half of a CRLF is a line that was cut off, too.
                if tail.endswith(b"\r") or not _is_whole(line, is_recorded or {}):
                    raise LedgerDamaged("cut off")
                lines.append(line)
            else:
                _check_header(tail, len(ended) + 1, file)
                header_seen = True
            repair = b"\n"
        except LedgerDamaged:
            torn_tail = tail.decode("utf-8", "backslashreplace")
    return Scan(header_seen, tuple(lines), tuple(faults), tuple(evidence), torn_tail, repair)


def _is_whole(line: Line, recorded: dict[int, str]) -> bool:
    by_hand = not (is_sha256(line.row.child_sha) and is_sha256(line.row.data_delta_sha))
    return by_hand or recorded.get(line.row.gen_id) == ",".join(line.fields)


def _split(raw: bytes, where: str) -> list[str]:
    try:
        text = raw.removesuffix(b"\r").decode("utf-8")
        if "\r" in text:
            raise LedgerDamaged("a carriage return inside the line", where=where, hint="end lines with LF or CRLF")
        # A reader made for one line costs more than the line; without quotes a comma always ends a field.
        return text.split(",") if '"' not in text else next(csv.reader([text], strict=True, skipinitialspace=True))
    except UnicodeDecodeError as error:
        raise LedgerDamaged("not UTF-8 text", where=where, hint="restore the line from a backup") from error
    except csv.Error as error:
        raise LedgerDamaged(f"not a line of CSV: {error}", where=where, hint="correct the quotes") from error


def _check_header(raw: bytes, number: int, file: str) -> None:
    where = f"{file} line {number}"
    found = [field.strip() for field in _split(raw, where)]
    hint = f"the first line must be exactly {HEADER}"
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(found) == 1 and found[0].count(separator) >= len(COLUMNS) - 1:
            raise LedgerDamaged(
                f"its columns are separated by {name}",
                where=where,
                hint="save the file as CSV with commas between columns",
            )
    if missing := [column for column in COLUMNS if column not in found]:
        raise LedgerDamaged(f"missing column {', '.join(missing)}", where=where, hint=hint)
    if found != list(COLUMNS):
        raise LedgerDamaged("the columns are not the twelve in their order", where=where, hint=hint)


def _read_line(raw: bytes, number: int, file: str) -> Line:
    where = f"{file} line {number}"
    fields = _split(raw, where)
    return Line(number, tuple(fields), LedgerRow.from_fields(fields, where=where))
