"""Cut a conversation into few windows that fit the context: each answer is learned once, with the history that fits.

A window is a run of whole turns that begins with a user's turn, or with the conversation itself. Windows are filled one
after another; all but the first leave room for history, the turns before them, which an earlier window has taught. An
answer that refers back ("And the pier?", "Four.") could not be learned without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

HISTORY = 0.25
"""The share of a window that is left for history, where there is any: it costs at most a third more tokens."""


@dataclass(frozen=True, slots=True)
class Window:
    """Turns `start` to `end` (exclusive) of a conversation, of which the answers from turn `learned_from` on count."""

    start: int
    learned_from: int
    end: int


class TurnLengths:
    """Lengths in tokens of a conversation's turns: as the first of a window, and with the line break before them."""

    def __init__(self, first: Sequence[int], later: Sequence[int]) -> None:
        self._first = first
        self._until = [0, *accumulate(later)]

    def of(self, start: int, end: int) -> int:
        """Return the tokens of turns `start` to `end` (exclusive) as one window, without BOS and EOS."""
        return self._first[start] + self._until[end] - self._until[start + 1]


def plan_windows(lengths: TurnLengths, answers: Sequence[int], capacity: int) -> tuple[Window, ...]:
    """Return the windows that teach the answers at these turns (ascending), each of at most `capacity` tokens.

    Raises ValueError when an answer and the turn before it exceed the capacity.
    """
    windows: list[Window] = []
    for at in answers:
        room = capacity if len(windows) == 1 else capacity - int(capacity * HISTORY)
        if windows and lengths.of(windows[-1].start, at + 1) <= room:
            windows[-1] = replace(windows[-1], end=at + 1)
            continue
        if (alone := lengths.of(at - 1, at + 1)) > capacity:
            raise ValueError(f"an answer and its prompt take {alone} tokens, more than {capacity}")
        windows.append(Window(at - 1, at, at + 1))
    return tuple(_with_history(lengths, window, capacity) for window in windows)


def _with_history(lengths: TurnLengths, window: Window, capacity: int) -> Window:
    start = window.start
    # Roles alternate, so a user's turn is two before the last one; turn 0 may be either's.
    while start > 0 and lengths.of(earlier := max(0, start - 2), window.end) <= capacity:
        start = earlier
    return Window(start, window.learned_from, window.end)
