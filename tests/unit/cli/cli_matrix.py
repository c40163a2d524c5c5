"""A forgetting matrix whose every figure is fixed: the first exam falls, the later ones stand."""

from __future__ import annotations

from typing import Any

from engine.evaluation.matrix import ForgettingMatrix, MatrixExam, MatrixRow, describe_falls
from probes.statistics.intervals import Score


def matrix(gens: int = 4, *, known: bool = True) -> dict[str, Any]:
    """The matrix of G0 to the last of `gens`; unless all is `known`, only what was recorded with each generation."""
    items = [40 if gen else 100 for gen in range(gens)]
    exams = tuple(MatrixExam(f"G{gen}", gen, f"{gen:02x}" * 32, items[gen], gen + 1) for gen in range(gens))
    right = {
        (row, gen): _right(row, gen, items[gen]) for row in range(gens + 1) for gen in range(gens) if known or gen < row
    }
    rows = tuple(
        MatrixRow(
            f"G{row - 1}" if row else "base",
            row - 1 if row else None,
            f"{row:02x}" * 32,
            tuple(Score.of(right[row, gen], items[gen]) if (row, gen) in right else None for gen in range(gens)),
            can_sit=True,
        )
        for row in range(gens + 1)
    )
    bare = ForgettingMatrix(f"G{gens - 1}", rows, exams, ())

    def marks(row: int, column: int) -> bytes:
        return bytes(number < right[row, column] for number in range(items[column]))

    return ForgettingMatrix(bare.ref, rows, exams, describe_falls(bare, marks)).to_dict()


def _right(row: int, gen: int, items: int) -> int:
    """How many items are right: nearly none before it is taught, then nearly all, and G0's fewer with every child."""
    taught = gen + 1
    if row < taught:
        return min(items, items // 20 + row)
    return max(0, items - (3 * (row - taught) + 2 if gen == 0 else 1))
