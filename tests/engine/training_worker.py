"""A process that trains and kills itself with SIGKILL: `python training_worker.py WORKSPACE train STEP` after a step,
or `… record N` before the N-th write that recording makes. Exit status 0 means that it lived to the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_workspace import TinyWorkspace

from engine.events import Event, RunFinished, StepChanged, TrainStep
from engine.session import EngineSession


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


def main() -> None:
    root, what, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    watch = die_after_step(number) if what == "train" else die_before_write(number)
    outcome = TinyWorkspace(root).train(resume=what == "record", on_event=watch)
    print(outcome.exit_code, [event.error for event in outcome.finished])
    sys.exit(outcome.exit_code)


if __name__ == "__main__":
    main()
