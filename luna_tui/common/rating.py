"""A person's rating of a model's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rating:
    """A person's rating of an answer: good (+1), bad (-1), or a correction, the text it should have been."""

    turn: int
    index: int
    prompt: str
    answer: str
    gen: int | None
    verdict: Literal["good", "bad", "corrected"]
    correction: str | None = None
