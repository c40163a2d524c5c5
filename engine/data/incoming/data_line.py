"""A row as a line of a data file, as a person may read and edit it."""

from __future__ import annotations

import json

from engine.data.messages import plain_message
from engine.data.rows import Row


def data_line(row: Row) -> str:
    """Return the row as a line of JSON that is read as the same row again; it has no id, so that it may be edited."""
    plain: dict[str, object] = {}
    if row.kind == "chat":
        plain["messages"] = [plain_message(turn) for turn in row.turns]
    elif row.kind == "qa":
        plain |= {"prompt": row.prompt, "response": row.response}
    else:
        plain["text"] = row.text
    optional = {"accept": list(row.accept), "topic": row.topic, "karma": row.karma, "score": row.score}
    plain |= {name: value for name, value in optional.items() if value not in (None, [])}
    return json.dumps(plain, ensure_ascii=False) + "\n"
