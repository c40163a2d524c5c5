"""The journal of a run, `runs/<run_id>/events.jsonl`: one JSON object a line, complete enough to draw the screen from
it alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from engine.core.events import CheckpointSaved, Event, Judged, Recorded, RunFinished, from_json_object, to_json_object

# After these a reader may act on what it read (resume, show a verdict), so they are on disk before the engine goes on.
_DURABLE = (CheckpointSaved, Judged, Recorded, RunFinished)


class Journal:
    """Appends events to a run's journal; usable as an Emitter's sink."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab")
        if self._file.tell() and not _ends_with_newline(path):
            self._file.write(b"\n")  # a line torn by a crash stays as evidence, the next one starts clean

    def __call__(self, event: Event) -> None:
        """Append one event and flush it; durable events are also fsynced."""
        if self._file.closed:
            return
        line = json.dumps(to_json_object(event), ensure_ascii=False, allow_nan=True) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        if isinstance(event, _DURABLE):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; later events are dropped."""
        with contextlib.suppress(OSError):  # what a full disk did not take was told when it was written
            self._file.close()


def read_journal(path: Path) -> Iterator[Event]:
    """Yield a journal's events; torn or unknown lines are skipped, since a crash may leave one."""
    with path.open("rb") as file:
        for line in file:
            try:
                event = from_json_object(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
            if event is not None:
                yield event


def last_seq(path: Path) -> int:
    """Return the highest sequence number in a journal, or -1 when there is none."""
    if not path.exists():
        return -1
    return max((event.seq for event in read_journal(path)), default=-1)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
