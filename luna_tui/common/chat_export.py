"""A stored conversation as Markdown to read, or as JSON lines to train on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

from engine.core.errors import UsageError
from luna_tui.common.safe_text import safe_for_pipe

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat, StoredTurn

ExportFormat = Literal["markdown", "jsonl"]

ENDINGS: dict[ExportFormat, str] = {"markdown": ".md", "jsonl": ".jsonl"}


def exported(chat: StoredChat, form: ExportFormat) -> str:
    """Return the conversation in this form; raises UsageError for JSON lines of one that holds no example."""
    return _as_markdown(chat) if form == "markdown" else _as_rows(chat)


def _as_markdown(chat: StoredChat) -> str:
    how = "turns kept" if chat.kept else "each prompt on its own"
    parts = [f"# Conversation with {chat.label}", f"{chat.time}, {how}, GGUF `{chat.sha or 'not recorded'}`"]
    for turn in chat.turns:
        parts += [f"**you:** {turn.prompt}", f"**{turn.label}:** {turn.answer}{_how_it_ended(turn)}"]
        if turn.correction is not None:
            parts.append(f"**corrected:** {turn.correction}")
    return safe_for_pipe("\n\n".join(parts)) + "\n"


def _how_it_ended(turn: StoredTurn) -> str:
    return "" if turn.stop_reason == "eos" else f" *({turn.stop_reason})*"


def _as_rows(chat: StoredChat) -> str:
    """Return one line for each part that was fed as one; for turns that were kept that is one line."""
    from engine.data.conversations import rows_of
    from engine.data.messages import Message, plain_message

    rows = rows_of(chat)[0]
    if not rows:
        hint = "export it as markdown, or correct an answer in the console (e)"
        raise UsageError("no answer of it ended by itself, so none is an example", where=chat.id, hint=hint)
    lines: list[str] = []
    for row in rows:
        turns = row.turns or (Message("user", row.prompt), Message("assistant", row.response))
        lines.append(json.dumps({"messages": [plain_message(turn) for turn in turns]}, ensure_ascii=False) + "\n")
    return "".join(lines).encode("utf-8", "backslashreplace").decode()
