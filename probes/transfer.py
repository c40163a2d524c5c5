"""Summary figures of the forgetting matrix: average accuracy, backward and forward transfer, and falling exams.

A matrix has a row for every model in the order of training, the untrained base first, and a column for every exam;
`rows[i][j]` is the score of model i on exam j between 0 and 1, None where it was not run. `taught[j]` is the row of the
model that was trained for exam j. The definitions are those of D. Lopez-Paz and M. Ranzato (2017), "Gradient episodic
memory for continual learning", arXiv:1706.08840, section 2: ACC (eq. 2), BWT (eq. 3) and FWT (eq. 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Sequence[float | None]]

STANDS = 0.97
"""An exam whose latest score is below this share of its score when new is falling."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over `needed` cells or differences of cells, of which `known` are available.

    `value` is None until all are: a mean over those that happen to be there would be another figure, so it is not
    given.
    """

    value: float | None
    known: int
    needed: int

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as plain JSON values."""
        return {"value": self.value, "known": self.known, "needed": self.needed}


@dataclass(frozen=True, slots=True)
class Fall:
    """Exam `column` scored `was` when it was new, in row `taught`, and `now` in row `latest`."""

    column: int
    taught: int
    latest: int
    was: float
    now: float

    @property
    def drop(self) -> float:
        """How much lower the score is now, between 0 and 1."""
        return self.was - self.now


def average_accuracy(rows: Rows) -> Measure:
    """Return the mean score of the last model on all exams: ACC = 1/T · Σ_i R[T,i].

    Source: Lopez-Paz and Ranzato (2017).
    """
    return _mean(rows[-1] if rows else ())


def backward_transfer(rows: Rows, taught: Sequence[int]) -> Measure:
    """Return the mean change of the earlier exams since they were new: BWT = 1/(T-1) · Σ_{i<T} (R[T,i] - R[i,i]).

    Below 0 is forgetting. Raises ValueError for a `taught` that names no row. Source: Lopez-Paz and Ranzato (2017).
    """
    _check(rows, taught)
    last = len(rows) - 1
    return _mean(_minus(rows[last][j], rows[row][j]) for j, row in enumerate(taught) if row < last)


def forward_transfer(rows: Rows, taught: Sequence[int]) -> Measure:
    """Return the mean lead over the base on an exam just before it is trained for.

    FWT = 1/(T-1) · Σ_{i>1} (R[i-1,i] - b_i). The first model's exam does not count: before it there is the base alone.
    The base's row stands for b, the scores at initialisation. Raises ValueError for a `taught` that names no row.
    Source: Lopez-Paz and Ranzato (2017).
    """
    _check(rows, taught)
    return _mean(_minus(rows[row - 1][j], rows[0][j]) for j, row in enumerate(taught) if row > 1)


def falling(rows: Rows, taught: Sequence[int], *, stands: float = STANDS) -> list[Fall]:
    """Return the exams whose latest known score is below `stands` times what it was when new, the oldest first.

    Raises ValueError for a `taught` that names no row.
    """
    _check(rows, taught)
    falls: list[Fall] = []
    for column, row in enumerate(taught):
        was = rows[row][column]
        later = [(at, rows[at][column]) for at in range(len(rows) - 1, row, -1)]
        latest, now = next(((at, score) for at, score in later if score is not None), (row, None))
        if was is not None and now is not None and now < stands * was:
            falls.append(Fall(column, row, latest, was, now))
    return falls


def _check(rows: Rows, taught: Sequence[int]) -> None:
    for row in taught:
        if not 0 < row < len(rows):
            raise ValueError(f"an exam is taught to one of the rows 1 to {len(rows) - 1}, got row {row}")


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _mean(values: Iterable[float | None]) -> Measure:
    found = list(values)
    known = [value for value in found if value is not None]
    whole = bool(found) and len(known) == len(found)
    return Measure(sum(known) / len(known) if whole else None, len(known), len(found))
