"""How people type: without the final mark, in lower case, or both; one rule for training and for the exams."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

Habit = Literal["no mark", "lower case", "both"]

HABITS: tuple[Habit, ...] = ("no mark", "lower case", "both")

_MARKS = ".?!…。？！؟।"


def as_typed(prompt: str, habit: Habit) -> str:
    """Return the prompt as somebody with this habit types it; only its last line, the newest turn, is changed.

    A line of nothing but marks stays as it is, and one that quotes code in backticks keeps its case.
    """
    before, newline, last = prompt.rpartition("\n")
    if habit != "lower case":
        last = _without_mark(last)
    if habit != "no mark" and "`" not in last:
        last = last.lower()
    return f"{before}{newline}{last}"


def typed_wording(prompt: str, key: str, turn: int = 0) -> tuple[Habit, str]:
    """Return a habit and the prompt as typed with it: fixed by the hash of `key`, another one each `turn`.

    A habit that leaves this prompt unchanged (there is no mark, or no capital) gives way to the next one that changes
    it; where none does, the prompt already is as people type.
    """
    first = sha256(f"as typed\0{key}".encode()).digest()[0] + turn
    order: list[Habit] = [HABITS[(first + step) % len(HABITS)] for step in range(len(HABITS))]
    wordings: list[tuple[Habit, str]] = [(habit, as_typed(prompt, habit)) for habit in order]
    return next((found for found in wordings if found[1] != prompt), wordings[0])


def continues_prompt(raw: str) -> bool:
    """Return whether a raw answer continues the prompt: it is not blank, and no line break opens it."""
    return bool(raw.strip()) and not raw.lstrip(" \t").startswith(("\n", "\r"))


def _without_mark(line: str) -> str:
    """Return the line without its final marks; those inside a closing quote or bracket belong to what is quoted."""
    bare = line.rstrip().rstrip(_MARKS).rstrip()
    return bare if any(character.isalnum() for character in bare) else line
