"""Runs: `runs/<run_id>/` with the journal, the state, the plan and the work files of one attempt at one generation."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from engine.core.errors import Damaged
from engine.workspace.layout import Workspace
from ledger.hashing import write_durable

Status = Literal["running", "interrupted", "failed", "finished"]
STEPS = ("prepare", "train", "export", "examine", "judge", "record")


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The recorded progress of a run.

    `done` names the finished steps, `seconds` is the time spent over all its sessions, `updated` the time of the last
    write (seconds since the epoch).
    """

    run_id: str
    gen: int
    status: Status
    done: tuple[str, ...]
    seconds: float
    updated: float


@dataclass(frozen=True, slots=True)
class Run:
    """The paths of one run's files, and its recorded state."""

    directory: Path
    staging: Path

    @classmethod
    def new(cls, workspace: Workspace, gen: int) -> Run:
        """Create the directories of a new run of generation `gen`; its id is the local time and the generation."""
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        name, number = f"{stamp}-G{gen}", 1
        while (workspace.runs / name).exists():
            number += 1
            name = f"{stamp}-G{gen}-{number}"
        run = cls.at(workspace, name)
        run.work.mkdir(parents=True)
        return run

    @classmethod
    def at(cls, workspace: Workspace, run_id: str) -> Run:
        """Return the run with this id, without creating or checking anything on disk."""
        return cls(workspace.runs / run_id, workspace.models / "generations" / f".staging-{run_id}")

    @property
    def run_id(self) -> str:
        return self.directory.name

    @property
    def work(self) -> Path:
        return self.directory / "work"

    @property
    def journal(self) -> Path:
        return self.directory / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.directory / "engine.log"

    @property
    def plan(self) -> Path:
        return self.directory / "plan.json"

    @property
    def exported(self) -> Path:
        return self.directory / "exported.json"

    def state(self) -> RunStatus:
        """Read the run's state file; raises Damaged when it cannot be read or is not valid."""
        path = self.directory / "state.json"
        try:
            data = json.loads(path.read_text())
            if data["status"] not in get_args(Status):
                raise ValueError(f"status {data['status']!r}")
            return RunStatus(
                run_id=str(data["run_id"]),
                gen=int(data["gen"]),
                status=data["status"],
                done=tuple(data["done"]),
                seconds=float(data["seconds"]),
                updated=float(data["updated"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(f"this run's state cannot be read: {error}", where=str(path)) from error

    def write_state(self, state: RunStatus) -> None:
        """Write the run's state durably; raises FileNotFoundError when the run's folder no longer exists."""
        if not self.directory.is_dir():  # moved or deleted: not to be recreated for this one file
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.directory))
        plain = {name: getattr(state, name) for name in RunStatus.__slots__}
        write_durable(self.directory / "state.json", (json.dumps(plain, indent=1) + "\n").encode())

    def advance(
        self, state: RunStatus, *, status: Status | None = None, done: str = "", seconds: float = 0.0
    ) -> RunStatus:
        """Write and return `state` with a finished step added, another status, or more seconds spent."""
        following = replace(
            state,
            status=status or state.status,
            done=(*state.done, done) if done and done not in state.done else state.done,
            seconds=state.seconds + seconds,
            updated=time.time(),
        )
        self.write_state(following)
        return following

    def discard(self) -> None:
        """Delete the run and its staging directory, for a run that ended before there was anything to resume."""
        shutil.rmtree(self.staging, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)


def list_runs(workspace: Workspace) -> list[tuple[Run, RunStatus]]:
    """Return the runs that have a readable state, the last updated one last; the others are leftovers for gc."""
    if not workspace.runs.is_dir():
        return []
    found: list[tuple[Run, RunStatus]] = []
    for directory in workspace.runs.iterdir():
        run = Run.at(workspace, directory.name)
        try:
            found.append((run, run.state()))
        except Damaged:
            continue
    return sorted(found, key=lambda pair: (pair[1].updated, pair[0].run_id))


def unfinished_runs(workspace: Workspace) -> list[tuple[Run, RunStatus]]:
    """Return the runs that were prepared, have not finished, and whose generation was not recorded meanwhile.

    The last updated one comes last, as far as the clock can be trusted.
    """
    recorded = {row.gen_id for row in workspace.ledger.read()}
    return [
        (run, state)
        for run, state in list_runs(workspace)
        if state.status != "finished" and "prepare" in state.done and state.gen not in recorded
    ]


def unfinished_run(workspace: Workspace) -> Run | None:
    """Return the last updated of the unfinished runs, None when there is none."""
    left = unfinished_runs(workspace)
    return left[-1][0] if left else None


def step_of(checkpoint: Path) -> int | None:
    """Return the step number in a checkpoint's name, None when the name is not `checkpoint-<step>`."""
    match = re.fullmatch(r"checkpoint-(\d+)", checkpoint.name)
    return int(match[1]) if match else None
