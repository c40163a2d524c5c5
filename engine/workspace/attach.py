"""Observe a workspace in which another process trains: its lock holder, its events, its runs, and how to stop it."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.core.cancellation import stop_request
from engine.core.errors import Damaged, LunaError
from engine.core.events import Event, from_json_object
from engine.core.gen_label import gen_label
from engine.workspace.layout import Holder, Workspace, read_holder
from engine.workspace.runs import Run, RunStatus, step_of
from ledger.locking import is_held

__all__ = [
    "Holder",
    "JournalTail",
    "describe_runs",
    "lock_holder",
    "planned_parent",
    "request_stop",
    "resumable",
    "run_journal",
    "unfinished",
]

# One poll fits into a frame, however long the journal is: parsing a line to an event takes about 20 µs.
_POLL_S = 0.03
_POLL_BYTES = 2 * 1024**2
_CHUNK = 64 * 1024
_LONGEST_LINE = 8 * 1024**2
_LOOK_EVERY_S = 1.0
_NEWEST_RUNS = 64
_SETTLED = math.inf

_GEN_IN_NAME = re.compile(r"-G(\d+)(?:-\d+)?$")


def lock_holder(workspace: Workspace) -> Holder | None:
    """Return the current holder of the workspace's lock, None when it is free; never raises.

    The lock itself decides; its file only names the holder (pid 0 and no purpose when it names none). A free lock's
    file is empty, so that checking it takes no lock; only where a killed process has left its name does the check
    itself hold the lock for some microseconds, which `Workspace.lock` waits for. A file that cannot be opened or locked
    counts as free.
    """
    try:
        fd = os.open(workspace.lock_path, os.O_RDONLY)
    except OSError:
        return None
    try:
        if not os.fstat(fd).st_size:
            return None
        held = is_held(workspace.lock_path, fd)
        return (read_holder(workspace.lock_path) or Holder(0, "", 0.0)) if held else None
    finally:
        os.close(fd)


def request_stop(workspace: Workspace) -> Holder | None:
    """Ask the process that trains here to stop after its step, with a checkpoint; return it, or None when none trains.

    The process notices the request within a step. Raises LunaError when the request cannot be written.
    """
    holder = lock_holder(workspace)
    if holder is None or holder.purpose != "training":
        return None
    try:
        workspace.stop_file.write_bytes(stop_request(holder.pid))
    except OSError as error:
        raise LunaError(
            f"process {holder.pid} could not be asked to stop: {error.strerror}",
            where=str(workspace.stop_file),
            hint=f"make room or check the permissions, or ask it yourself: kill -INT {holder.pid}",
        ) from error
    return holder


def run_journal(workspace: Workspace, gen: int) -> Path | None:
    """Return the journal of the run that made a recorded generation, None when the run is unknown or has no journal.

    Raises LedgerDamaged when the generation's manifest cannot be read.
    """
    manifest = workspace.manifest(gen)
    run_id = manifest.extra.get("run_id") if manifest is not None else None
    if not isinstance(run_id, str) or run_id not in _run_names(workspace):  # a run id must not lead to a path elsewhere
        return None
    path = Run.at(workspace, run_id).journal
    return path if path.is_file() else None


def planned_parent(workspace: Workspace, run_id: str) -> int | None:
    """Return the GEN_ID of the parent in a run's plan; None for the base, and when the plan cannot be read."""
    try:
        parent = json.loads(Run.at(workspace, run_id).plan.read_bytes())["parent_gen"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return parent if isinstance(parent, int) else None


def unfinished(workspace: Workspace) -> tuple[str, int, str] | None:
    """Return run id, generation and status of the newest run that `train --resume` can continue, None without one.

    Raises as `resumable` does.
    """
    newest = max(resumable(workspace), key=lambda state: (state.updated, state.run_id), default=None)
    return (newest.run_id, newest.gen, newest.status) if newest is not None else None


def resumable(workspace: Workspace) -> list[RunStatus]:
    """Return the status of every run that `train --resume` can continue, sorted by run id.

    A run that no live process works on is interrupted, whatever its state file says: its process died before it could
    write that. Only runs of generations that are not recorded are opened, and those are few. Raises LedgerDamaged when
    the ledger cannot be read.
    """
    holder = lock_holder(workspace)
    since = holder.since if holder is not None and holder.purpose == "training" else math.inf
    recorded = {row.gen_id for row in workspace.ledger.read()}
    found: list[RunStatus] = []
    for name in _run_names(workspace):
        named = _GEN_IN_NAME.search(name)
        if named is not None and int(named[1]) in recorded:
            continue
        state = _state(workspace, name)
        if state and state.status != "finished" and "prepare" in state.done and state.gen not in recorded:
            dead = state.status == "running" and state.updated < since
            found.append(replace(state, status="interrupted") if dead else state)
    return sorted(found, key=lambda state: state.run_id)


def describe_runs(workspace: Workspace, states: Sequence[RunStatus]) -> list[str]:
    """Return a line for each run: what it makes, from which parent, how far it came and when it was last at work."""
    lines: list[str] = []
    for state in states:
        parent = planned_parent(workspace, state.run_id)
        checkpoints = (Run.at(workspace, state.run_id).work / "checkpoints").glob("checkpoint-*")
        step = max((step_of(path) or 0 for path in checkpoints), default=0)
        place = f"{state.status} after {' → '.join(state.done)}" + (f", checkpoint at step {step}" if step else "")
        when = datetime.fromtimestamp(state.updated).strftime("%Y-%m-%d %H:%M:%S")
        made = f"G{state.gen} from {gen_label(parent)}"
        lines.append(f"{state.run_id}: {made}, {place}, last at work {when}")
    return lines


class JournalTail:
    """Follows the journal of the run that is training here, then of each later run, by reading what is appended.

    `poll` is made for a UI thread: when nothing is new it costs one `stat`, and a long journal is read in pieces.
    """

    def __init__(self, workspace: Workspace, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspace = workspace
        self._clock = clock
        self._current: _GrowingFile | None = None
        self._journals: dict[str, _GrowingFile] = {}
        self._next: deque[_GrowingFile] = deque()
        self._seen: dict[str, float] = {}
        self._looked = False
        self._look_at = -math.inf

    def poll(self) -> list[Event]:
        """Return the events written since the last call, oldest first, as many as fit into the time of one poll."""
        deadline = self._clock() + _POLL_S
        events = self._read(deadline)
        if events is None:
            self._look_for_runs()
            # Read again: a run's last events precede the next run, but may have been written after the first read.
            events = self._read(deadline)
        if events is None and self._next:
            self._current = self._next.popleft()
            events = self._read(deadline)
        return events or []

    def _read(self, deadline: float) -> list[Event] | None:
        """Return the next events of the current journal, None when it has not grown."""
        if self._current is None:
            return None
        events: list[Event] = []
        for number in range(_POLL_BYTES // _CHUNK):
            lines = self._current.new_lines(_CHUNK)
            if lines is None:
                return events if number else None
            events.extend(event for line in lines if (event := _event(line)) is not None)
            if self._clock() >= deadline:
                break
        return events

    def _look_for_runs(self) -> None:
        """Queue the runs that began since the last scan; the first scan queues only the newest one that is running.

        Queueing a run that is already followed does no harm: its journal continues where it was.
        """
        if self._clock() < self._look_at:
            return
        self._look_at = self._clock() + _LOOK_EVERY_S
        # A killed process leaves its run "running": only runs updated under the current lock really are.
        holder = lock_holder(self._workspace)
        since = holder.since if holder is not None and holder.purpose == "training" else 0.0
        begun: list[tuple[float, _GrowingFile]] = []
        for name in self._unsettled():
            state = _state(self._workspace, name)
            if state is None:
                continue
            known = self._seen.get(name)
            self._seen[name] = _SETTLED if state.status == "finished" else state.updated
            is_new = known is None and self._looked
            goes_on = state.status == "running" and (known is None or state.updated > known)
            journal = self._journals.setdefault(name, _GrowingFile(Run.at(self._workspace, name).journal))
            if (is_new or goes_on) and state.updated >= since:
                begun.append((state.updated, journal))
        begun.sort(key=lambda pair: pair[0])
        self._next.extend(journal for _, journal in (begun if self._looked else begun[-1:]))
        self._looked = True

    def _unsettled(self) -> list[str]:
        """Return the names of runs that may still change: none that is finished and, at first, only the newest."""
        names = _run_names(self._workspace)
        if not self._looked:
            written = {name: _stat(self._workspace.runs / name / "state.json")[1] for name in names}
            newest_first = sorted((name for name in names if written[name]), key=written.__getitem__, reverse=True)
            self._seen.update(dict.fromkeys(newest_first[_NEWEST_RUNS:], _SETTLED))
        return [name for name in names if self._seen.get(name) != _SETTLED]


class _GrowingFile:
    """A file that other processes append lines to, read once and in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def new_lines(self, limit: int) -> list[bytes] | None:
        """Return the complete lines among the next `limit` bytes, None without more bytes.

        An incomplete line is kept until its end is there.
        """
        size = _stat(self._path)[0]
        if size < self._offset:  # its run was discarded, and another may get the same name within a second
            self._offset, self._rest = 0, b""
        if size <= self._offset:
            return None
        try:
            with self._path.open("rb", buffering=0) as file:
                file.seek(self._offset)
                data = file.read(limit)
        except OSError:
            return None
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""  # no event is that long; its rest is skipped like any torn line
        return lines


def _event(line: bytes) -> Event | None:
    """Parse a journal's line to its event, None for a torn line or an event of another version."""
    try:
        return from_json_object(json.loads(line))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _run_names(workspace: Workspace) -> list[str]:
    try:
        return os.listdir(workspace.runs)
    except OSError:
        return []


def _state(workspace: Workspace, name: str) -> RunStatus | None:
    try:
        return Run.at(workspace, name).state()
    except Damaged:
        return None


def _stat(path: Path) -> tuple[int, float]:
    """Return size in bytes and modification time of a file, zeros when there is no such file."""
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0.0
    return found.st_size, found.st_mtime
