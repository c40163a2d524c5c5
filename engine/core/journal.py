"""The event journal of a run, `runs/<run_id>/events.jsonl`: one JSON object per line.

The journal is complete enough to draw the screen from it alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from engine.core.events import CheckpointSaved, Event, Judged, Recorded, RunFinished, from_json_object, to_json_object

# A reader may act on these events (resume, show a verdict), so they are fsynced before the engine goes on.
_DURABLE = (CheckpointSaved, Judged, Recorded, RunFinished)


class Journal:
    """Appends events to a run's journal; usable as a sink of an Emitter."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab")
        if self._file.tell() and not _ends_with_newline(path):
            self._file.write(b"\n")  # a line torn by a crash is kept as evidence; the next event gets its own line

    def __call__(self, event: Event) -> None:
        """Append one event and flush it; durable events are also fsynced. Does nothing once the journal is closed."""
        if self._file.closed:
            return
        line = json.dumps(to_json_object(event), ensure_ascii=False, allow_nan=True) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        if isinstance(event, _DURABLE):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; events that are emitted later are dropped."""
        with contextlib.suppress(OSError):  # a full disk was already reported when the line was written
            self._file.close()


def read_journal(path: Path) -> Iterator[Event]:
    """Yield a journal's events in order; torn lines, as a crash may leave one, and unknown types are skipped."""
    with path.open("rb") as file:
        for line in file:
            try:
                event = from_json_object(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
            if event is not None:
                yield event


def last_seq(path: Path) -> int:
    """Return the highest sequence number in a journal, or -1 when there is no file or no event."""
    if not path.exists():
        return -1
    return max((event.seq for event in read_journal(path)), default=-1)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
