"""Read and append the ledger file `models/lineage_ledger.csv`; a crash costs at most the row being written."""

from __future__ import annotations

from pathlib import Path

from ledger.csv_text import HEADER, Scan, scan
from ledger.durable import open_for_append, read_bytes
from ledger.errors import LedgerBadInput, LedgerDamaged
from ledger.manifest import manifest_path, read_manifest
from ledger.parents import link_parents
from ledger.row import LedgerRow, is_sha256


class LedgerStore:
    """The one writer of the lineage ledger; rows are only ever appended."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self.path = models_dir / "lineage_ledger.csv"
        self.torn_tail: str | None = None
        """After a read: the last line if a write was cut off there, else None; it counts for nothing."""
        self.evidence: tuple[int, ...] = ()
        """After a read: the numbers of lines that were cut off earlier and have been closed since."""

    def read(self) -> list[LedgerRow]:
        """Return all rows, oldest first; none when there is no file yet.

        Raises LedgerDamaged naming the line for a missing column, an invalid field, a duplicate GEN_ID or an unknown
        parent. A torn last line is no damage: see `torn_tail`.
        """
        return self.read_linked()[0]

    def read_linked(self) -> tuple[list[LedgerRow], list[int | None]]:
        """Return the rows, and the GEN_ID of each row's parent as `link_parents` derives it from the rows alone.

        Raises as `read` does.
        """
        return self._rows(self._scan(read_bytes(self.path)))

    def append(self, row: LedgerRow) -> None:
        """Append one row and return when it is on disk.

        Waits for other writers. Raises LedgerBadInput for a GEN_ID that exists, a parent that does not or a hash that
        is not 64 hex digits (only people write words), LedgerDamaged when the ledger is corrupt (nothing is written
        then), LedgerError when the disk fails; after a failed fsync every further append in this process is refused.
        """
        for column, sha in (("child_sha", row.child_sha), ("data_delta_sha", row.data_delta_sha)):
            if not is_sha256(sha):
                raise LedgerBadInput(f"{column} is {sha!r}", where=str(self.path), hint="luna writes all 64 hex digits")
        with open_for_append(self.path) as file:
            state = self._scan(file.read())
            rows, _ = self._rows(state)
            if any(old.gen_id == row.gen_id for old in rows):
                raise LedgerBadInput(
                    f"G{row.gen_id} is already in the ledger", where=str(self.path), hint="a GEN_ID is never used twice"
                )
            try:
                link_parents([*rows, row])
            except LedgerDamaged as error:
                raise LedgerBadInput(error.title, where=str(self.path), hint="record the parent first") from error
            header = "" if state.has_header else HEADER + "\n"
            file.append(state.repair + f"{header}{row.to_line()}\n".encode())

    def _scan(self, data: bytes) -> Scan:
        found = scan(data, self.path.name)
        if found.torn_tail is not None:
            # An editor that strips the last line end must not cost a row that its manifest vouches for.
            found = scan(data, self.path.name, is_recorded=self._recorded_line(found.torn_tail))
        self.torn_tail = found.torn_tail
        self.evidence = found.evidence
        return found

    def _recorded_line(self, tail: str) -> dict[int, str]:
        gen = tail.split(",", 1)[0]
        if not (gen.isascii() and gen.isdigit() and len(gen) < 10):
            return {}
        try:
            return {int(gen): ",".join(read_manifest(manifest_path(self._models_dir, int(gen))).row_fields)}
        except LedgerDamaged:
            return {}

    def _rows(self, found: Scan) -> tuple[list[LedgerRow], list[int | None]]:
        if found.faults:
            raise found.faults[0]
        first_line: dict[int, int] = {}
        for line in found.lines:
            if line.row.gen_id in first_line:
                raise LedgerDamaged(
                    f"duplicate GEN_ID {line.row.gen_id}, first on line {first_line[line.row.gen_id]}",
                    where=f"{self.path.name} line {line.number}",
                    hint="every generation has one row; remove the one that `luna-tui verify` does not accept",
                )
            first_line[line.row.gen_id] = line.number
        rows = [line.row for line in found.lines]
        return rows, link_parents(rows, lines=[line.number for line in found.lines], file=self.path.name)
