"""The wording in which each question is fed: as it was written or, in a share of the passes, as people type it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import ceil, floor

from engine.data.rows import Row
from probes.typing_habits import Habit, as_typed, typed_wording


@dataclass(frozen=True, slots=True)
class WordedRow:
    """A row with the prompt it is fed with; `habit` is None where that is the row's own."""

    row: Row
    habit: Habit | None = None


def worded_passes(rows: Sequence[Row], sequences_fed: int, sequences: int, share: float) -> list[list[WordedRow]]:
    """Return the rows of each pass, all rows in their order, with as many passes as feeding so many sequences needs.

    `sequences` is how many all rows have together; a row has one, unless it is a conversation longer than the context.

    Over its passes a question is fed as typed in `share` of them, spread evenly and starting at an offset fixed by its
    hash, so that a share of the questions of each pass is, too; the habits take turns. Documents never change. With a
    share of 0 all passes are equal, and one stands for them all.
    """
    passes = ceil(sequences_fed / sequences) if share and rows else 1
    starts = [_unit(row.id) for row in rows]
    return [
        [_worded(row, start, number, share) for row, start in zip(rows, starts, strict=True)]
        for number in range(passes)
    ]


def _worded(row: Row, start: float, number: int, share: float) -> WordedRow:
    before, after = floor(start + number * share), floor(start + (number + 1) * share)
    if row.kind == "text" or before == after:
        return WordedRow(row)
    habit, prompt = typed_wording(_prompts(row), row.id, turn=before)
    if row.kind == "qa":
        return WordedRow(row) if prompt == row.prompt else WordedRow(replace(row, prompt=prompt), habit)
    turns = tuple(replace(turn, text=as_typed(turn.text, habit)) if turn.role == "user" else turn for turn in row.turns)
    return WordedRow(row) if turns == row.turns else WordedRow(replace(row, turns=turns), habit)


def _prompts(row: Row) -> str:
    """Return the text that a habit must change: a question's prompt, or the newest turn of a person in a chat."""
    return row.prompt if row.kind == "qa" else row.turns[-2].text


def _unit(key: str) -> float:
    """Return a number in [0, 1) that is fixed by a key."""
    return int.from_bytes(sha256(f"wording\0{key}".encode()).digest()[:4]) / 2**32
