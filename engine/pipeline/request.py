"""Training requests, as plain values that cost nothing to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.data.rows import Row


@dataclass(frozen=True, slots=True)
class FixedRows:
    """New rows in feeding order, and the ids of those that are held out."""

    rows: tuple[Row, ...]
    held_out: frozenset[str]


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A request to train one or more generations; None means the configured value.

    `run` is the id of the run to resume, empty for the only one that is unfinished.

    `inbox_first`: a `converse` generation trains on the inbox before the older rows of the curriculum.

    `by_itself`: begun by age-up and not by a person, so it gives way to a process that trains already.

    `taught`: the new rows themselves and which of them are the exam, in place of what would be chosen: a study's
    replicas train and are evaluated on the rows of the lineage they repeat.
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
    by_itself: bool = False
    taught: FixedRows | None = None


def with_request(config: Config, request: TrainRequest) -> Config:
    """Return the configuration with the request's seed and steps laid over it, for code that reads nothing else."""
    train = config.train
    if request.seed is not None:
        train = train.model_copy(update={"seed": request.seed})
    if request.steps is not None:
        tables = {"base": train.base, "align": train.align, "converse": train.converse}
        steps = {"steps": request.steps}
        train = train.model_copy(update={name: table.model_copy(update=steps) for name, table in tables.items()})
    return config.model_copy(update={"train": train})
