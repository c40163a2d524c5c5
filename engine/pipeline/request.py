"""What is asked of training, as plain values that cost nothing to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.data.rows import Row


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
    `by_itself`: begun by nobody, when the inbox had earned it: it gives way to a process that trains already.
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
    by_itself: bool = False
    taught: Taught | None = None
