"""Stored conversations as rows to train on: each answer with the turns that its model was given, and no others."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.messages import Message
from engine.data.rows import Row, make_chat
from engine.workspace.chats.record import StoredChat, StoredTurn


def rows_of(chat: StoredChat) -> tuple[list[Row], int]:
    """Return the rows of a conversation, and how many of its answers they do not teach.

    Turns that were kept are one row; a prompt that was asked on its own is one by itself. An answer that did not end by
    itself is history only, unless a person has corrected it.
    """
    turns = [turn for turn in chat.turns if turn.usable]
    rows: list[Row] = []
    for start, first, end in _runs(turns):
        texts = [
            message
            for at, turn in enumerate(turns[start:end], start=start)
            for message in (
                Message("user", turn.prompt),
                Message("assistant", turn.said, learned=at >= first and _exemplary(turn)),
            )
        ]
        if any(text.role == "assistant" and text.learned for text in texts):
            rows.append(make_chat(texts, source=f"chats/{chat.id}"))
    return rows, len(chat.turns) - sum(row.size for row in rows)


def _runs(turns: Sequence[StoredTurn]) -> list[tuple[int, int, int]]:
    """Return the parts that are fed as one: where each starts, its first own turn, and where it ends.

    A turn with others before it goes on with the part that these are in. Where it was given more, as a conversation of
    single prompts that is taken up again, a new part starts with them. Where it was given fewer, the oldest had left
    the window, and training cuts a conversation for itself.
    """
    runs: list[tuple[int, int, int]] = []
    for at, turn in enumerate(turns):
        given_from = max(0, at - turn.fed)
        if turn.fed and runs and given_from >= runs[-1][0]:
            runs[-1] = (runs[-1][0], runs[-1][1], at + 1)
        else:
            runs.append((given_from, at, at + 1))
    return runs


def _exemplary(turn: StoredTurn) -> bool:
    return turn.correction is not None or turn.stop_reason == "eos"
