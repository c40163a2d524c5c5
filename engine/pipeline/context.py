"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.config.load import Config
from engine.core.cancellation import Control
from engine.core.events import Emitter
from engine.data.rows import Row
from engine.models.base import BaseModel
from engine.runtime.client import Runtime
from engine.training.job import TrainingBackend
from engine.workspace.layout import Workspace


@dataclass(frozen=True, slots=True)
class Taught:
    """Rows in feeding order, and the ids of those that are held out."""

    rows: tuple[Row, ...]
    held_out: frozenset[str]


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What a person asks for; None means the configured value.

    `run`: the id of the run to resume, empty for the only one that is unfinished.
    `inbox_first`: a `converse` generation learns the inbox before the rows of the curriculum that are older.
    `taught`: the new rows themselves and which of them are the exam, in place of what would be chosen: a study's
    replicas learn and sit what the lineage they repeat did.
    """

    generations: int = 1
    phase: str = "auto"
    parent: str | None = None
    steps: int | None = None
    data: tuple[Path, ...] = ()
    backend: str | None = None
    seed: int | None = None
    resume: bool = False
    run: str = ""
    strict: bool = False
    inbox_first: bool = False
    taught: Taught | None = None


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
