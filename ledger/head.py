"""Which generation is current, and how it came to be: `models/HEAD` and the hash-chained `models/head.log`.

The log is authoritative and is written first. HEAD repeats its last move for people and scripts; a crash between the
two leaves HEAD one move behind, and opening the store repairs that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from ledger.durable import TORN_MARK, open_for_append, read_bytes
from ledger.errors import LedgerBadInput, LedgerDamaged, LedgerError
from ledger.hashing import canonical_json, sha256_bytes, sha256_text, write_durable

Action = Literal["record", "accept", "rollback", "collect", "restore"]

MOVES: Final = frozenset({"accept", "rollback"})
_NO_ENTRY: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class HeadEntry:
    """One line of the log. `gen`, `from_gen` and `to_gen` are GEN_IDs, None is the base; `time` is ISO 8601 in UTC."""

    seq: int
    time: str
    action: Action
    gen: int | None
    from_gen: int | None
    to_gen: int | None
    reason: str
    manifest_sha: str | None
    verdict: str | None
    prev: str
    sha: str


@dataclass(frozen=True, slots=True)
class LogFault:
    """A line of the log that breaks the chain; `gen` is the generation it mentions, if that can still be read."""

    line: int
    gen: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class LogScan:
    """Everything that parsing a log file yields.

    `torn_tail` is an unfinished last line, and `repair` is what an append must write first to close it.
    """

    entries: tuple[HeadEntry, ...]
    faults: tuple[LogFault, ...]
    torn_tail: str | None
    repair: bytes

    @property
    def current(self) -> int | None:
        """The GEN_ID that the last move went to, None for the base."""
        return next((entry.to_gen for entry in reversed(self.entries) if entry.action in MOVES), None)


def scan_log(data: bytes) -> LogScan:
    """Parse a log and verify its hash chain, continuing past every fault."""
    *ended, tail = data.split(b"\n")
    entries: list[HeadEntry] = []
    faults: list[LogFault] = []
    expected: tuple[int, str] | None = (0, _NO_ENTRY)  # seq and prev of the next entry
    for number, raw in enumerate(ended, start=1):
        if raw.endswith(TORN_MARK):
            continue
        entry = _read_entry(raw)
        if entry is None:
            faults.append(LogFault(number, _mentioned(raw), "the line is not what was written"))
            expected = None  # one fault is enough: the next line cannot follow this one
            continue
        if expected is not None and (entry.seq, entry.prev) != expected:
            faults.append(LogFault(number, entry.gen, "the line does not follow the one before it"))
        entries.append(entry)
        expected = (entry.seq + 1, entry.sha)
    torn_tail, repair = None, b""
    if tail:
        last = _read_entry(tail)
        if last is not None and (last.seq, last.prev) == expected:
            entries.append(last)
            repair = b"\n"
        else:
            torn_tail, repair = tail.decode("utf-8", "backslashreplace"), TORN_MARK + b"\n"
            if not _is_cut_off(tail):
                faults.append(LogFault(len(ended) + 1, _mentioned(tail), "the end of the line is not what was written"))
    return LogScan(tuple(entries), tuple(faults), torn_tail, repair)


def head_text(gen: int | None) -> str:
    """Return what the file HEAD holds for a generation: `G3` or `base`, and a line end."""
    return "base\n" if gen is None else f"G{gen}\n"


class HeadStore:
    """HEAD and its log; opening it verifies the chain and repairs a HEAD that a crash left one move behind.

    Raises LedgerDamaged when the chain is broken or HEAD says something the log does not explain.
    """

    def __init__(self, models_dir: Path) -> None:
        self._log_path = models_dir / "head.log"
        self._head_path = models_dir / "HEAD"
        self._log = LogScan((), (), None, b"")
        self.refresh()

    @property
    def torn_tail(self) -> str | None:
        """The last line of the log if a write was cut off there, else None; it counts for nothing."""
        return self._log.torn_tail

    def refresh(self) -> None:
        """Read both files again, since another process may have moved HEAD."""
        self._log = self._checked(read_bytes(self._log_path))
        if self._head_agrees():
            return
        try:
            with open_for_append(self._log_path) as file:  # nobody moves HEAD while it is checked and repaired
                self._log = self._checked(file.read())
                self._repair()
        except LedgerDamaged:
            raise
        except LedgerError:  # nothing can be written here: the log is authoritative without HEAD
            self._require_explained()

    def current(self) -> int | None:
        """Return the GEN_ID that HEAD is on, None for the base."""
        return self._log.current

    def entries(self) -> list[HeadEntry]:
        """Return the entries of the log, oldest first."""
        return list(self._log.entries)

    def collected(self) -> frozenset[int]:
        """Return the generations whose GGUF was collected on purpose and not restored since."""
        return collected(self._log.entries)

    def append(
        self,
        action: Action,
        *,
        gen: int | None,
        to: int | None = None,
        reason: str,
        manifest_sha: str | None = None,
        verdict: str | None = None,
        time: str | None = None,
    ) -> HeadEntry:
        """Append one entry durably and, for `accept` and `rollback`, move HEAD.

        HEAD moves to `to` (default: `gen`; None is the base). `record` needs `manifest_sha` and `verdict`. Raises
        LedgerBadInput for a missing or unknown argument, LedgerDamaged when log or HEAD is corrupt, and LedgerError
        when the disk fails.
        """
        if action not in get_args(Action):
            raise LedgerBadInput(f"unknown action {action!r}", hint="one of " + ", ".join(get_args(Action)))
        if gen is None and action != "rollback":
            raise LedgerBadInput(f"{action} needs a generation", hint="only a rollback can go to the base")
        if action == "record" and (manifest_sha is None or verdict is None):
            raise LedgerBadInput("record needs the manifest's SHA-256 and the verdict")
        with open_for_append(self._log_path) as file:
            self._log = self._checked(file.read())
            self._repair()
            current = self._log.current
            target = (gen if to is None else to) if action in MOVES else current
            fields: dict[str, object] = {
                "seq": len(self._log.entries),
                "time": time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "action": action,
                "gen": gen,
                "from": current,
                "to": target,
                "reason": reason.encode("utf-8", "backslashreplace").decode("utf-8"),
                "manifest_sha": manifest_sha,
                "verdict": verdict,
                "prev": self._log.entries[-1].sha if self._log.entries else _NO_ENTRY,
            }
            fields["sha"] = sha256_text(canonical_json(fields))
            line = canonical_json(fields).encode("utf-8")
            file.append(self._log.repair + line + b"\n")
            entry = _entry_of(fields)
            self._log = LogScan((*self._log.entries, entry), (), None, b"")
            if action in MOVES:
                write_durable(self._head_path, head_text(target).encode("ascii"))
        return entry

    def _checked(self, data: bytes) -> LogScan:
        log = scan_log(data)
        if log.faults:
            fault = log.faults[0]
            raise LedgerDamaged(
                fault.problem,
                where=f"{self._log_path} line {fault.line}",
                hint="restore the file from a backup; `luna-tui verify` shows what else is hurt",
            )
        return log

    def _head_agrees(self) -> bool:
        text = self._head_text()
        return text == head_text(self._log.current) or (text == "" and self._log.current is None)

    def _repair(self) -> None:
        if self._head_agrees():
            return
        last = self._require_explained()
        write_durable(self._head_path, head_text(last.to_gen).encode("ascii"))

    def _require_explained(self) -> HeadEntry:
        """Return the log's last move, which HEAD lacks; raises LedgerDamaged when HEAD differs in any other way."""
        text = self._head_text()
        last = next((entry for entry in reversed(self._log.entries) if entry.action in MOVES), None)
        # A missing HEAD reads as the base: the crash came before it was first written.
        if last is None or (text or head_text(None)) != head_text(last.from_gen):
            raise LedgerDamaged(
                f"HEAD says {text!r:.40}, the log says {head_text(self._log.current)!r}",
                where=str(self._head_path),
                hint=f"if the log is right, write {head_text(self._log.current).strip()} and a line end into the file",
            )
        return last

    def _head_text(self) -> str:
        return read_bytes(self._head_path).decode("utf-8", "backslashreplace")


def collected(entries: tuple[HeadEntry, ...] | list[HeadEntry]) -> frozenset[int]:
    """Return the generations whose last `collect` or `restore` entry is `collect`."""
    state = {entry.gen: entry.action for entry in entries if entry.action in ("collect", "restore")}
    return frozenset(gen for gen, action in state.items() if gen is not None and action == "collect")


def _read_entry(raw: bytes) -> HeadEntry | None:
    """Return the entry on a line, None when the line is not byte for byte what was written."""
    try:
        values = cast("object", json.loads(raw))
        if not isinstance(values, dict):
            return None
        fields = cast("dict[str, Any]", values)
        sha = fields["sha"]
        # The line is canonical JSON, so removing its own "sha" gives the very text that was hashed. A quote inside a
        # value is always escaped: the pattern cannot occur anywhere else.
        without = raw.replace(f'"sha":"{sha}",'.encode(), b"", 1)
        return _entry_of(fields) if sha256_bytes(without) == sha else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _entry_of(fields: dict[str, Any]) -> HeadEntry:
    renamed = {{"from": "from_gen", "to": "to_gen"}.get(name, name): value for name, value in fields.items()}
    return HeadEntry(**renamed)


def _is_cut_off(tail: bytes) -> bool:
    """Return whether an unfinished line is the beginning of an entry, and not an entry followed by something else."""
    try:
        text = tail.decode("utf-8", "replace")
        json.JSONDecoder().raw_decode(text)
    except ValueError:
        return tail.startswith(b'{"action":"'[: len(tail)])
    return False


def _mentioned(raw: bytes) -> int | None:
    found = re.search(rb'"gen":([0-9]{1,9})', raw)
    return int(found[1]) if found else None
