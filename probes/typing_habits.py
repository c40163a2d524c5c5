"""How people type: without the final mark, in lower case, or both; one rule for training and for the exams."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

Habit = Literal["no mark", "lower case", "both"]

HABITS: tuple[Habit, ...] = ("no mark", "lower case", "both")

_MARKS = ".?!…。？！؟।"


def as_typed(prompt: str, habit: Habit) -> str:
    """The prompt as somebody with this habit types it; only its last line, the person's newest turn, is changed.

    A line of nothing but marks stays as it is, and one that quotes code in backticks keeps its case.
    """
    before, newline, last = prompt.rpartition("\n")
    if habit != "lower case":
        last = _without_mark(last)
    if habit != "no mark" and "`" not in last:
        last = last.lower()
    return f"{before}{newline}{last}"


def typed_wording(prompt: str, key: str, turn: int = 0) -> tuple[Habit, str]:
    """A habit, and the prompt as typed with it: fixed by the hash of `key`, another one each `turn`.

    A habit that leaves this prompt as it is (there is no mark, or no capital) makes room for the next one that does
    not; where none changes anything, the prompt already is as people type.
    """
    first = sha256(f"as typed\0{key}".encode()).digest()[0] + turn
    order: list[Habit] = [HABITS[(first + step) % len(HABITS)] for step in range(len(HABITS))]
    wordings: list[tuple[Habit, str]] = [(habit, as_typed(prompt, habit)) for habit in order]
    return next((found for found in wordings if found[1] != prompt), wordings[0])


def continues_prompt(raw: str) -> bool:
    """Whether a raw answer goes on with the prompt: it says something, and no line break opens it."""
    return bool(raw.strip()) and not raw.lstrip(" \t").startswith(("\n", "\r"))


def _without_mark(line: str) -> str:
    """The line without the marks it ends in; those inside a closing quote or bracket belong to what is quoted."""
    bare = line.rstrip().rstrip(_MARKS).rstrip()
    return bare if any(character.isalnum() for character in bare) else line
