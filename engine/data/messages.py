"""The turns of a conversation, and the identity of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from ledger.hashing import canonical_json

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, in canonical text; an answer with `learned` False is history and never a target."""

    role: Role
    text: str
    learned: bool = True


@dataclass(frozen=True, slots=True)
class LearnedAnswer:
    """An answer that is learned, with what it is conditioned on: the turns before it, the newest of which is `prompt`.

    `id` is that of a question row with all turns before it, joined by line breaks, as its prompt. `at` is the
    answer's place among the turns.
    """

    id: str
    history: tuple[str, ...]
    prompt: str
    text: str
    at: int = 0


def is_learned(turn: Message) -> bool:
    """Return whether a turn is an answer that is learned."""
    return turn.role == "assistant" and turn.learned


def answer_ids(turns: Sequence[Message]) -> dict[int, str]:
    """Return the id of each learned answer by its place: the hash of all turns before it and of itself.

    The hash of the beginning is carried from answer to answer, so that a conversation is hashed once, whatever its
    length.
    """
    begun = sha256(b'{"prompt":"')
    ids: dict[int, str] = {}
    for at, turn in enumerate(turns):
        escaped = canonical_json(turn.text)[1:-1].encode()
        if is_learned(turn):
            whole = begun.copy()
            whole.update(b'","response":"' + escaped + b'"}')
            ids[at] = whole.hexdigest()
        begun.update((b"" if at == 0 else b"\\n") + escaped)
    return ids


def plain_message(turn: Message) -> dict[str, object]:
    """Return a turn as plain JSON values; weight 0 says that an answer is not learned, as in fine-tuning files."""
    plain: dict[str, object] = {"role": turn.role, "content": turn.text}
    return plain if turn.role == "user" or turn.learned else plain | {"weight": 0}


def read_message(plain: dict[str, Any]) -> Message:
    """Return the turn that `plain_message` wrote; raises KeyError, TypeError or ValueError for anything else."""
    if plain["role"] not in ("user", "assistant"):
        raise ValueError(f"unknown role {plain['role']!r}")
    return Message(plain["role"], plain["content"], plain.get("weight", 1) != 0)
