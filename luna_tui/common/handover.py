"""Continues training without a screen: a separate process takes over from the console that is being closed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from engine.core.child_environment import child_environment
from engine.core.errors import LunaError
from engine.core.log_tail import log_tail
from engine.pipeline.request import TrainRequest
from engine.workspace.attach import lock_holder, resumable
from engine.workspace.layout import Workspace

_LOOK_EVERY_S = 0.05
_ENDED_AS_IT_SHOULD = (0, 3)


def hand_over(
    root: Path, *, generations: int, resume: bool, arguments: list[str], run: str = "", patience_s: float = 15
) -> int:
    """Start a headless `train` of `generations` (counting the resumed one) as a separate process and return its pid.

    `run` names the run to resume, where there may be several. The process has its own session, so neither a hangup nor
    Ctrl-C in this terminal reaches it, and it writes to runs/headless.log. Waits until it holds the workspace lock and
    has resumed the run, `patience_s` seconds at most; raises LunaError when it exits before that. This process must
    have released the workspace.
    """
    workspace = Workspace.open(root)
    log = workspace.log("headless.log") or Path(os.devnull)
    command = [sys.executable, "-P", "-m", "luna_tui", "-w", str(workspace.root), "train"]
    command += [
        *(["--resume", *([run] if run else [])] if resume else []),
        "--generations",
        str(generations),
        *arguments,
    ]
    with log.open("ab") as output:
        begins = output.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=workspace.root,
            env=child_environment(),
            start_new_session=True,
        )
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        if _is_at_work(workspace, process.pid, run, resume=resume):
            break
        if process.poll() is not None:
            if process.returncode in _ENDED_AS_IT_SHOULD:
                break
            raise LunaError(
                f"the process that was to go on has ended: {_last_message(log, begins)}",
                where=str(log),
                hint=f"nothing is lost; go on with: luna-tui train{' --resume' if resume else ''}",
            )
        time.sleep(_LOOK_EVERY_S)
    process.returncode = process.returncode or 0  # it outlives this process; its exit code is never read
    return process.pid


def train_flags(request: TrainRequest, *, begun: bool) -> list[str]:
    """Return a training request as flags of `train`; the parent applies to the first generation only, and is left out
    once that has `begun`.
    """
    flags = [] if request.phase == "auto" else ["--phase", request.phase]
    for flag, value in (("--steps", request.steps), ("--backend", request.backend), ("--seed", request.seed)):
        flags += [] if value is None else [flag, str(value)]
    flags += ["--parent", request.parent] if request.parent is not None and not begun else []
    flags += [part for path in request.data for part in ("--data", str(path))]
    switches = (("--strict", request.strict), ("--inbox-first", request.inbox_first))
    return [*flags, *(flag for flag, wanted in switches if wanted)]


def _is_at_work(workspace: Workspace, pid: int, run: str, *, resume: bool) -> bool:
    """Return whether the process holds the workspace lock; a resuming one may still be refused until its run is
    running.
    """
    holder = lock_holder(workspace)
    if holder is None or holder.pid != pid:
        return False
    return not resume or any(state.status == "running" and run in ("", state.run_id) for state in resumable(workspace))


def _last_message(log: Path, begins: int) -> str:
    """Return the process's error message, or the last line it wrote to the log after byte `begins`."""
    with log.open("rb") as file:
        lines = [line.strip() for line in log_tail(file.fileno(), begins).split("\n") if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["it said nothing"])[-1]
