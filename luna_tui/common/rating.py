"""A person's word on an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rating:
    """A person's word on an answer: good (+1), bad (-1), or what it should have been."""

    turn: int
    index: int
    prompt: str
    answer: str
    gen: int | None
    verdict: Literal["good", "bad", "corrected"]
    correction: str | None = None
