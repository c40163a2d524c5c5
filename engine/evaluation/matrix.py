"""The forgetting matrix as a value: rows are models, columns are exams; and what its figures mean in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from probes.statistics.intervals import Score
from probes.statistics.paired import NOISE, mcnemar
from probes.transfer import Fall, Measure, average_accuracy, backward_transfer, falling, forward_transfer

Marks = Callable[[int, int], bytes | None]


@dataclass(frozen=True, slots=True)
class MatrixExam:
    """A column: the exam of generation `gen`, named by the SHA-256 of its `n` items; `taught` is that model's row."""

    label: str
    gen: int
    sha: str
    n: int
    taught: int


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A model and its score on every exam, None where it was not run; `can_sit` is False when it has no GGUF.

    `gen` is None for the base.
    """

    label: str
    gen: int | None
    sha: str
    scores: tuple[Score | None, ...]
    can_sit: bool


@dataclass(frozen=True, slots=True)
class FallingExam:
    """An exam that scored `was` when it was new and `now` in row `at`, the latest model that was run on it.

    `p` is the probability that chance loses so many more items than it wins (McNemar's exact test).
    """

    gen: int
    at: str
    was: float
    now: float
    n: int
    p: float
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fall as plain JSON values."""
        return {
            "gen": self.gen,
            "at": self.at,
            "was": self.was,
            "now": self.now,
            "drop": self.was - self.now,
            "n": self.n,
            "p": self.p,
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class ForgettingMatrix:
    """The models of a lineage path, the base first, on the exams of that path, oldest first; `ref` names the last."""

    ref: str
    rows: tuple[MatrixRow, ...]
    exams: tuple[MatrixExam, ...]
    falling: tuple[FallingExam, ...]
    unkept: str = ""
    """Why computed answers could not be cached, empty when they were."""

    @property
    def missing(self) -> int:
        """The number of empty cells that could be computed."""
        return sum(score is None for row in self.rows if row.can_sit for score in row.scores)

    @property
    def values(self) -> list[list[float | None]]:
        """The scores alone, as the rows that `probes.transfer` takes."""
        return [[None if score is None else score.value for score in row.scores] for row in self.rows]

    @property
    def taught(self) -> list[int]:
        """For every exam, the row of the model that was trained for it."""
        return [exam.taught for exam in self.exams]

    @property
    def acc(self) -> Measure:
        """Average accuracy of the last generation over all exams."""
        return average_accuracy(self.values)

    @property
    def bwt(self) -> Measure:
        """Backward transfer: the mean change of earlier exams since they were new."""
        return backward_transfer(self.values, self.taught)

    @property
    def fwt(self) -> Measure:
        """Forward transfer: the mean lead over the base just before an exam is trained for."""
        return forward_transfer(self.values, self.taught)

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as plain JSON values: what `matrix --json` prints and a page draws."""
        return {
            "ref": self.ref,
            "unkept": self.unkept,
            "exams": [
                {"label": exam.label, "gen": exam.gen, "sha": exam.sha, "n": exam.n, "row": exam.taught}
                for exam in self.exams
            ],
            "rows": [
                {
                    "label": row.label,
                    "gen": row.gen,
                    "sha": row.sha,
                    "can_sit": row.can_sit,
                    "cells": [None if score is None else score.to_dict() for score in row.scores],
                }
                for row in self.rows
            ],
            "missing": self.missing,
            "acc": self.acc.to_dict(),
            "bwt": self.bwt.to_dict(),
            "fwt": self.fwt.to_dict(),
            "falling": [fall.to_dict() for fall in self.falling],
        }


def describe_falls(matrix: ForgettingMatrix, marks: Marks) -> tuple[FallingExam, ...]:
    """Return the falling exams in words; `marks(row, column)` gives one byte an item, 1 if right and 0 if wrong."""
    return tuple(_described(matrix, fall, marks) for fall in falling(matrix.values, matrix.taught))


def _described(matrix: ForgettingMatrix, fall: Fall, marks: Marks) -> FallingExam:
    exam, at = matrix.exams[fall.column], matrix.rows[fall.latest].label
    before, after = marks(fall.taught, fall.column) or b"", marks(fall.latest, fall.column) or b""
    pairs = list(zip(before, after, strict=True))
    won, lost = pairs.count((0, 1)), pairs.count((1, 0))
    p = mcnemar(won, lost)
    words = (
        f"the exam of {exam.label} is falling: {fall.was:.3f} when it was new, {fall.now:.3f} at {at} "
        f"({lost} of {exam.n} items lost, {won} won{', within noise' if p >= NOISE else ''})"
    )
    return FallingExam(exam.gen, at, fall.was, fall.now, exam.n, p, words)
