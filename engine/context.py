"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.base_model import BaseModel
from engine.config import Config
from engine.control import Control
from engine.events import Emitter
from engine.runtime.client import Runtime
from engine.training.job import TrainingBackend
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What a person asks for; None means the configured value.

    `inbox_first`: a `converse` generation learns the inbox before the rows of the curriculum that are older.
    """

    generations: int = 1
    phase: str = "auto"
    parent: str | None = None
    steps: int | None = None
    data: tuple[Path, ...] = ()
    backend: str | None = None
    seed: int | None = None
    resume: bool = False
    strict: bool = False
    inbox_first: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The workspace and the tools of one engine; `pick_backend` and `runtime` are handed in so that tests can hand in
    others.
    """

    workspace: Workspace
    config: Config
    base: BaseModel
    runtime: Runtime
    pick_backend: Callable[[str], TrainingBackend]
    emit: Emitter
    control: Control
