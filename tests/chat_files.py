"""Stored conversations for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine.workspace.chats.record import StoredTurn
from engine.workspace.chats.store import ChatLog
from engine.workspace.layout import Workspace

TIME = "2026-10-14T10:11:12.345Z"


def turn(prompt: str, answer: str, **more: Any) -> StoredTurn:
    """A turn of G3 that ended by itself."""
    return StoredTurn(
        **{"time": TIME, "stop_reason": "eos", "gen": 3, "sha": "aa", **more}, prompt=prompt, answer=answer
    )


def chat_log(workspace: Workspace, *, kept: bool = False) -> ChatLog:
    """A conversation that begins on a known day."""
    return ChatLog(workspace, kept=kept, now=lambda: datetime(2026, 10, 14, 10, 11, 12, 345_000, tzinfo=UTC))


def store_chat(workspace: Workspace, *turns: StoredTurn, kept: bool = False) -> str:
    """Store a conversation and return its id."""
    log = chat_log(workspace, kept=kept)
    for one in turns:
        assert log.add(one) is None
    assert log.path is not None
    return log.path.stem
