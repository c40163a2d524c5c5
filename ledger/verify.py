"""Recompute everything the ledger claims, end to end, without changing anything.

The chain: head.log vouches for itself line by line and for each manifest; a manifest vouches for its ledger row, for
every file of its generation, and names its parent's manifest. The last link is data hygiene: nothing held out by an
ancestor may have been trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.csv_text import Scan, scan
from ledger.durable import read_bytes
from ledger.errors import LedgerDamaged, LedgerError
from ledger.hashing import sha256_file, short_sha
from ledger.head import HeadEntry, collected, head_text, scan_log
from ledger.hygiene import find_leaks
from ledger.manifest import Manifest, generation_ids, manifest_path, read_manifest
from ledger.parents import link_parents
from ledger.row import LedgerRow
from ledger.verify_generation import Evidence, check_files, check_parent, check_row, strays

Progress = Callable[[int, int, str], None]

LEDGER_FILE: Final = "lineage_ledger.csv"
_NO_BASE: Final[Mapping[str, tuple[Path, str]]] = {}


@dataclass(frozen=True, slots=True)
class Problem:
    """A difference from the record: in which file, relative to the workspace, and of which generation.

    `gen` is a GEN_ID, "base", or "all" for what no single generation owns (the ledger's header).
    """

    gen: int | str | None
    file: str
    problem: str

    def to_dict(self) -> dict[str, int | str | None]:
        """Return the fields as `verify --json` prints them."""
        return {"gen": self.gen, "file": self.file, "problem": self.problem}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of `verify`: `checked` files were read whole; `notes` are leftovers and unrecorded rows, no damage."""

    ok: bool
    checked: int
    problems: list[Problem]
    notes: list[str]

    def to_dict(self) -> dict[str, object]:
        """Return the fields as `verify --json` prints them."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "problems": [problem.to_dict() for problem in self.problems],
            "notes": self.notes,
        }


def verify(
    models_dir: Path, *, base_files: Mapping[str, tuple[Path, str]] = _NO_BASE, progress: Progress | None = None
) -> VerifyReport:
    """Verify the whole workspace; `base_files` maps names to path and recorded SHA-256 of the base model's files.

    `progress` is called with the files done, the files in all, and the name of the current file. Only reads: call it
    before a HeadStore is opened, which would repair a HEAD that is one move behind. Never raises for what it finds on
    disk; that is in the report.
    """
    return _Verification(models_dir, progress).run(base_files)


class _Verification:
    def __init__(self, models_dir: Path, progress: Progress | None) -> None:
        self._models = models_dir
        self._progress = progress
        self._done = 0
        self._total = 0
        self._problems: list[Problem] = []
        self._notes: list[str] = []

    def run(self, base_files: Mapping[str, tuple[Path, str]]) -> VerifyReport:
        records, gone = self._check_log()
        rows, ledger_order = self._check_ledger(records)
        manifests = self._check_manifests(records, rows)
        parents = self._parents(ledger_order, manifests)
        self._total = self._done + len(base_files) + sum(len(manifest.files) for manifest in manifests.values())
        self._total += sum(gen not in manifests for gen in rows)
        for gen in rows:
            evidence = Evidence(self._models, gen, manifests.get(gen), collected=gen in gone, hash_file=self._hash)
            self._report(gen, check_files(evidence, rows[gen][0]))
        for gen, manifest in manifests.items():
            if gen in rows:
                row, fields = rows[gen]
                self._report(gen, check_row(manifest, row, fields))
                shas = {at: record.manifest_sha for at, record in records.items()}
                self._report(gen, check_parent(manifest, row, {at: rows[at][0] for at in rows}, parents, shas))
        for gen, file, problem in find_leaks(self._models, manifests, parents):
            self._add(gen, file, problem)
        for name, (path, sha) in base_files.items():
            self._check_base(name, path, sha)
        self._notes += strays(self._models, {gen: row for gen, (row, _) in rows.items()}, manifests)
        return VerifyReport(not self._problems, self._done, self._problems, self._notes)

    def _check_log(self) -> tuple[dict[int, HeadEntry], frozenset[int]]:
        log = scan_log(self._read("head.log"))
        for fault in log.faults:
            self._add("all" if fault.gen is None else fault.gen, "head.log", f"line {fault.line}: {fault.problem}")
        if log.torn_tail is not None and not log.faults:
            self._notes.append("head.log: its last line was cut off by a crash; it counts for nothing")
        head = self._read("HEAD").decode("utf-8", "backslashreplace")
        if head != head_text(log.current) and not (head == "" and log.current is None):
            wanted = head_text(log.current)
            self._add(
                "base" if log.current is None else log.current,
                "HEAD",
                f"says {head!r:.40}, head.log says {wanted!r}; after a crash, the next command mends it",
            )
        records: dict[int, HeadEntry] = {}
        for entry in log.entries:
            if entry.action == "record" and entry.gen is not None:
                if entry.gen in records:
                    self._add(entry.gen, "head.log", "the generation is recorded twice")
                records.setdefault(entry.gen, entry)
        return records, collected(log.entries)

    def _check_ledger(
        self, records: Mapping[int, HeadEntry]
    ) -> tuple[dict[int, tuple[LedgerRow, tuple[str, ...]]], Scan]:
        data = self._read(LEDGER_FILE)
        recorded: dict[int, str] = {}
        for gen in records:
            try:
                recorded[gen] = ",".join(read_manifest(manifest_path(self._models, gen)).row_fields)
            except LedgerDamaged:
                continue  # reported where manifests are checked
        found = scan(data, LEDGER_FILE, is_recorded=recorded)
        rows: dict[int, tuple[LedgerRow, tuple[str, ...]]] = {}
        for line in found.lines:
            if line.row.gen_id in rows:
                self._add(line.row.gen_id, LEDGER_FILE, f"line {line.number}: duplicate GEN_ID {line.row.gen_id}")
            rows.setdefault(line.row.gen_id, (line.row, line.fields))
        missing = [gen for gen in records if gen not in rows]
        for gen in missing:
            self._add(gen, LEDGER_FILE, "the row is missing or unreadable, though head.log records the generation")
        for fault in found.faults:
            self._add(missing[0] if len(missing) == 1 else "all", LEDGER_FILE, f"{fault.where}: {fault.title}")
        if found.torn_tail is not None:
            self._notes.append(f"{LEDGER_FILE}: its last line was cut off by a crash; it counts for nothing")
        return rows, found

    def _check_manifests(
        self, records: Mapping[int, HeadEntry], rows: Mapping[int, tuple[LedgerRow, tuple[str, ...]]]
    ) -> dict[int, Manifest]:
        """Return the manifests that are what was recorded; the others are reported and vouch for nothing."""
        sound: dict[int, Manifest] = {}
        on_disk = {gen for gen in generation_ids(self._models) if manifest_path(self._models, gen).exists()}
        newest = list(rows)[-1] if rows else None
        for gen in sorted(on_disk | set(records)):
            path = manifest_path(self._models, gen)
            name = path.relative_to(self._models).as_posix()
            record = records.get(gen)
            if record is None and gen not in rows:
                continue  # a leftover, noted with the strays
            if gen not in on_disk:
                self._add(gen, name, "is missing")
                continue
            try:
                sha = self._hash(path)
                manifest = read_manifest(path)
            except (LedgerError, OSError) as error:
                self._add(gen, name, error.title if isinstance(error, LedgerError) else str(error.strerror))
                continue
            if record is None:
                if gen != newest:  # a crash can cost the log entry of the last row only
                    self._add(gen, "head.log", "the generation has a row and a manifest, but no record in the log")
                    continue
                self._notes.append(f"G{gen}: a crash came between its ledger row and its record in head.log")
            elif sha != record.manifest_sha:
                self._add(gen, name, f"SHA-256 is {short_sha(sha)}…, recorded {short_sha(record.manifest_sha or '')}…")
                continue
            if manifest.gen != gen or (record is not None and manifest.verdict != record.verdict):
                self._add(gen, name, f"says G{manifest.gen} {manifest.verdict}, which is not what head.log records")
                continue
            sound[gen] = manifest
        return sound

    def _parents(self, found: Scan, manifests: Mapping[int, Manifest]) -> dict[int, int | None]:
        recorded = {gen: manifest.parent_gen for gen, manifest in manifests.items()}
        try:
            rows = [line.row for line in found.lines]
            linked = link_parents(
                rows, recorded=recorded, lines=[line.number for line in found.lines], file=LEDGER_FILE
            )
        except LedgerDamaged as error:
            if not found.faults:  # an unreadable row leaves its children without a parent: one problem is enough
                self._add("all", LEDGER_FILE, f"{error.where}: {error.title}")
            return recorded
        return {row.gen_id: parent for row, parent in zip(rows, linked, strict=True)}

    def _check_base(self, name: str, path: Path, sha: str) -> None:
        try:
            found = self._hash(path)
        except OSError as error:
            self._problems.append(Problem("base", name, f"cannot be read: {error.strerror}"))
            return
        if found != sha:
            self._problems.append(Problem("base", name, f"SHA-256 is {short_sha(found)}…, recorded {short_sha(sha)}…"))

    def _read(self, name: str) -> bytes:
        try:
            data = read_bytes(self._models / name)
        except LedgerError as error:
            self._add("all", name, error.title)
            return b""
        self._done += (self._models / name).exists()
        return data

    def _hash(self, path: Path) -> str:
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done + 1), path.name)
        sha = sha256_file(path)
        self._done += 1
        return sha

    def _report(self, gen: int, found: list[tuple[str, str]]) -> None:
        for file, problem in found:
            self._add(gen, file, problem)

    def _add(self, gen: int | str | None, file: str, problem: str) -> None:
        self._problems.append(Problem(gen, f"{self._models.name}/{file}", problem))
