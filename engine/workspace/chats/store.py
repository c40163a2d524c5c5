"""The folder `chats/`: one file for each conversation, created with its first answer and only ever appended to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.core.errors import LunaError, UsageError
from engine.workspace.base_record import read_base_record
from engine.workspace.chats.record import (
    StoredChat,
    StoredTurn,
    correction_line,
    header_line,
    parse_chat,
    turn_line,
)
from engine.workspace.layout import Workspace
from ledger.durable import TORN_MARK, AppendFile, open_for_append, read_bytes
from ledger.errors import LedgerError

FOLDER = "chats"
NEWEST = "last"


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class ChatLog:
    """Appends the turns of one conversation to its file.

    What cannot be written is kept and written with the next turn. Not for use by several threads at once.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        kept: bool,
        resumed: StoredChat | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path = resumed.path if resumed else None
        self.turns = len(resumed.turns) if resumed else 0
        self._workspace, self._kept, self._now = workspace, kept, now
        self._unwritten: list[bytes] = []
        self._first: StoredTurn | None = None
        self._begun = resumed is not None
        self._told = False

    def time(self) -> str:
        """Return the time now as turns record it: UTC, to the millisecond."""
        return self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add(self, turn: StoredTurn) -> LedgerError | None:
        """Append a turn; return the error that kept it from the disk, the first time only."""
        self._first = self._first or turn
        self.turns += 1
        return self._write(turn_line(turn))

    def correct(self, number: int, answer: str) -> LedgerError | None:
        """Append what a person wrote instead of the answer of a turn, counted from 1; returns errors as `add` does."""
        return self._write(correction_line(number, answer))

    def _write(self, line: bytes) -> LedgerError | None:
        self._unwritten.append(line)
        try:
            if self.path is None:
                self._begin()
            else:
                with open_for_append(self.path) as file:
                    self._append(file)
        except LedgerError as error:
            if self._told:
                return None
            self._told = True
            return error
        return None

    def _begin(self) -> None:
        """Create the conversation's own file; a name that another conversation has is left to it."""
        assert self._first is not None
        stem = f"{self._now():%Y%m%d-%H%M%S}-{self._first.label}"
        for number in itertools.count(1):
            path = self._workspace.root / FOLDER / f"{stem}{f'-{number}' if number > 1 else ''}.jsonl"
            with open_for_append(path) as file:
                if file.read():
                    continue
                self.path = path
                self._append(file)
                return

    def _append(self, file: AppendFile) -> None:
        before = b"" if file.ends_whole() else TORN_MARK + b"\n"
        if not self._begun and self._first is not None and not _has_header(file.read()):
            before += header_line(self._first, kept=self._kept)
        while self._unwritten:  # one by one, so that what a full disk tears is one line, which is written again
            file.append(before + self._unwritten[0])
            before = b""
            self._begun = True
            del self._unwritten[0]


def sha_of(workspace: Workspace, gen: int | None) -> str:
    """Return the recorded SHA-256 of a generation's GGUF (None: the base's); empty where none can be read."""
    try:
        if gen is None:
            return (read_base_record(workspace) or {}).get("gguf_sha", "")
        return next((row.child_sha for row in workspace.ledger.read() if row.gen_id == gen), "")
    except (LunaError, LedgerError):
        return ""


def read_chats(workspace: Workspace) -> tuple[list[StoredChat], list[UsageError]]:
    """Return all conversations, the one that was talked in last first, and what is wrong with files that are none."""
    chats: list[StoredChat] = []
    problems: list[UsageError] = []
    for path in _files(workspace):
        try:
            chats.append(read_chat(path))
        except UsageError as error:
            problems.append(error)
    return sorted(chats, key=lambda chat: (chat.last_time, chat.id), reverse=True), problems


def read_chat(path: Path) -> StoredChat:
    """Return the conversation in a file; raises UsageError where it is none or cannot be read."""
    try:
        return parse_chat(path, read_bytes(path))
    except LedgerError as error:
        raise UsageError(error.title, where=error.where, hint=error.hint) from error


def find_chat(workspace: Workspace, name: str) -> StoredChat:
    """Return the conversation whose id begins with `name`; `last` is the one that was talked in last.

    Raises UsageError when there is none, or several.
    """
    where = str(workspace.root / FOLDER)
    if name == NEWEST:
        chats, problems = read_chats(workspace)
        if not chats:
            raise problems[0] if problems else UsageError("no conversation is stored here yet", where=where)
        return chats[0]
    found = [path for path in _files(workspace) if name and path.stem.startswith(name)]
    found = [path for path in found if path.stem == name] or found
    if not found:
        raise UsageError(f"there is no conversation {name!r}", where=where, hint="luna-tui chats list shows all")
    if len(found) > 1:
        raise UsageError(f"{name!r} begins {len(found)} ids: {_some(found)}", where=where, hint="type more of the id")
    return read_chat(found[0])


def _files(workspace: Workspace) -> list[Path]:
    return sorted((workspace.root / FOLDER).glob("*.jsonl"))


def _some(paths: Sequence[Path]) -> str:
    names = ", ".join(path.stem for path in paths[:3])
    return names if len(paths) <= 3 else f"{names}, …"


def _has_header(content: bytes) -> bool:
    return any(not line.endswith(TORN_MARK) for line in content.split(b"\n")[:-1])
