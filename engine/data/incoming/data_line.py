"""A row as a line of a data file, as a person may read and edit it."""

from __future__ import annotations

import json

from engine.data.rows import Row


def data_line(row: Row) -> str:
    """Return the row as a line of JSON that is read as the same row again; it has no id, so that it may be edited."""
    return json.dumps(row.content(), ensure_ascii=False) + "\n"
