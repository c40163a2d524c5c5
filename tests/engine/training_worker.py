"""Processes that train and kill themselves with SIGKILL. Each line `WORKSPACE train STEP` on stdin makes one that dies
after that step, `WORKSPACE record N` one that dies before the N-th write that recording makes. The answer to a line is
the process's return code; 0 means that it lived to the end.

Importing the training packages takes longer than what is tried here: this process does it once, trains nothing itself,
and forks for every line.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_workspace import TinyWorkspace

from engine.core.events import Event, RunFinished, StepChanged, TrainStep
from engine.service.session import EngineSession


def die() -> None:
    """Leave no time for anybody's clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_step(step: int) -> Callable[[Event, EngineSession], None]:
    """Die when a training step is told."""

    def watch(event: Event, _session: EngineSession) -> None:
        if isinstance(event, TrainStep) and event.step == step:
            die()

    return watch


def die_before_write(number: int) -> Callable[[Event, EngineSession], None]:
    """Die before the `number`-th rename or log write that comes after recording has begun."""
    left = number
    recording = False

    def counted(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if recording:
                left -= 1
                if left == 0:
                    die()
            return function(*args, **kwargs)

        return wrapper

    os.replace, os.rename, os.write = counted(os.replace), counted(os.rename), counted(os.write)

    def watch(event: Event, _session: EngineSession) -> None:
        nonlocal recording
        if isinstance(event, StepChanged) and event.step == "record":
            recording = True
        if isinstance(event, RunFinished):
            recording = False

    return watch


def work(root: Path, what: str, number: int) -> int:
    """What a process of its own does; returns its exit status."""
    watch = die_after_step(number) if what == "train" else die_before_write(number)
    outcome = TinyWorkspace(root).train(resume=what == "record", on_event=watch)
    print(outcome.exit_code, [event.error for event in outcome.finished], file=sys.stderr, flush=True)
    return outcome.exit_code


def main() -> None:
    import engine.training.sft.trl_backend  # noqa: F401 - imported here, so that no fork has to

    for line in sys.stdin:
        root, what, number = line.rstrip("\n").rsplit(" ", 2)
        pid = os.fork()
        if pid == 0:
            os._exit(work(Path(root), what, int(number)))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
