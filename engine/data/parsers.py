"""Parse a decoded record of a data file into canonical rows: five formats in, `Row`s out, or the reason why not.

A record is a dict in one of these forms (further keys are ignored, null counts as absent):

    {"prompt", "response"}                          a question and its answer
    {"messages": [{"role", "content"}, …]}          a chat
    {"conversations": [{"from", "value"}, …]}       a chat, ShareGPT
    {"instruction", "input", "output"}              Alpaca
    {"text"}                                        plain text

with `accept`, `topic`, `karma` and `score` beside them if wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from engine.data.messages import Message, Role
from engine.data.rows import How, Row, canonical_text, excerpt, make_chat, make_row

_ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "system": "system",
}
_TYPE_NAMES: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class RowProblem(ValueError):
    """Raised when a record gives no row, with the reason; the reader of the file turns it into a BadRow."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The rows of one record, and the number of messages that raw prompts have no place for."""

    rows: tuple[Row, ...]
    system_messages: int = 0
    unanswered_turns: int = 0


def parse_record(record: object, *, stage: str, source: str, max_bytes: int = 1_000_000) -> Parsed:
    """Parse one record into its rows; raises RowProblem with the reason if it gives none.

    A row of more than `max_bytes` bytes of UTF-8, prompt and response together, is a problem too.
    """
    if not isinstance(record, dict):
        raise RowProblem(f"expected an object with prompt and response, got {_type_name(record)}")
    fields: dict[str, Any] = {
        str(name): value for name, value in cast("dict[object, Any]", record).items() if value is not None
    }
    common: dict[str, Any] = {"topic": _topic(fields), "karma": _karma(fields), "stage": stage, "source": source}
    accept, score = _accept(fields), _score(fields)
    if "messages" in fields or "conversations" in fields:
        parsed = _conversation(fields, accept, common | {"score": score})
    elif "prompt" in fields or "response" in fields:
        prompt, response = _prompt(fields), _text(fields, "response")
        parsed = Parsed((make_row(prompt, response, accept=accept, score=score, **common),))
    elif "instruction" in fields or "output" in fields:
        given = "\n" + _text(fields, "input") if canonical_text(str(fields.get("input", ""))) else ""
        prompt, response = _text(fields, "instruction") + given, _text(fields, "output")
        parsed = Parsed((make_row(prompt, response, accept=accept, score=score, **common),))
    elif "text" in fields:
        if accept or score == "match":
            raise RowProblem(
                'a plain text has no single right answer: `accept` and score "match" need prompt and response'
            )
        parsed = Parsed((make_row("", _text(fields, "text"), kind="text", score=score, **common),))
    else:
        keys = excerpt(", ".join(fields)) or "nothing"
        raise RowProblem(f"neither prompt nor text (found {keys})")
    if any(sum(map(len, row.texts)) > max_bytes // 4 and _size(row) > max_bytes for row in parsed.rows):
        raise RowProblem(f"longer than max_line_bytes = {max_bytes}")
    return parsed


def _conversation(fields: Mapping[str, Any], accept: tuple[str, ...], common: Mapping[str, Any]) -> Parsed:
    """Return the row of a conversation, of which every answer is learned."""
    name, role_key, text_key = (
        ("messages", "role", "content") if "messages" in fields else ("conversations", "from", "value")
    )
    turns, system = _turns(fields[name], name, role_key, text_key)
    if not any(role == "user" for role, _ in turns):
        raise RowProblem(f"{name}: no user turn")
    if not any(role == "assistant" for role, _ in turns):
        raise RowProblem(f"{name}: no assistant turn, nothing to learn")
    if turns[0][0] == "assistant":
        raise RowProblem(f"{name}: begins with the assistant, so there is no prompt to its first turn")
    last = max(index for index, (role, _) in enumerate(turns) if role == "assistant")
    row = make_chat([Message(cast("Role", role), text) for role, text in turns], accept=accept, **common)
    return Parsed((row,), system, len(turns) - 1 - last)


def _turns(turns: object, name: str, role_key: str, text_key: str) -> tuple[list[tuple[str, str]], int]:
    """Return (role, text) of each turn, neighbours of one role joined, and how many system messages were left out."""
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        raise RowProblem(f"{name} must be a list of turns, not {_type_name(turns)}")
    joined: list[tuple[str, str]] = []
    system = 0
    for number, turn in enumerate(cast("Sequence[object]", turns), start=1):
        if not isinstance(turn, dict):
            raise RowProblem(f"{name}, turn {number}: expected an object, got {_type_name(turn)}")
        fields = cast("dict[str, Any]", turn)
        said = fields.get(role_key)
        role = _ROLES.get(said.strip().lower()) if isinstance(said, str) else None
        if role is None:
            raise RowProblem(f"{name}, turn {number}: {role_key} must be one of {', '.join(_ROLES)}, not {said!r:.40}")
        if role == "system":
            system += 1
            continue
        text = _text(fields, text_key, f"{name}, turn {number}: ")
        if joined and joined[-1][0] == role:
            text = f"{joined.pop()[1]}\n{text}"
        joined.append((role, text))
    return joined, system


def _prompt(fields: Mapping[str, Any]) -> str:
    if "response" not in fields:
        near = next((name for name in ("completion", "answer", "output", "reply") if name in fields), "")
        raise RowProblem("prompt without response" + (f" (found {near}: call it response)" if near else ""))
    if "prompt" not in fields:
        raise RowProblem("response without prompt")
    return _text(fields, "prompt")


def _text(fields: Mapping[str, Any], name: str, where: str = "") -> str:
    if name not in fields or fields[name] is None:
        raise RowProblem(f"{where}{name} is missing")
    return _checked(fields[name], f"{where}{name}")


def _checked(value: object, what: str) -> str:
    """Return a text fit to train on; raises RowProblem for another type, empty text, NUL or characters not in UTF-8."""
    if not isinstance(value, str):
        raise RowProblem(f"{what} must be text, not {_type_name(value)}")
    if "\0" in value:
        raise RowProblem(f"{what} contains a NUL byte")
    if found := re.search("[\ud800-\udfff]", value):
        # Files are decoded with "surrogateescape": bytes that are not UTF-8 arrive as these code points.
        raw = "\udc80" <= found[0] <= "\udcff"
        raise RowProblem(f"{what} contains invalid UTF-8" if raw else f"{what} contains an unpaired surrogate")
    if not canonical_text(value):
        raise RowProblem(f"{what} is empty")
    return value


def _accept(fields: Mapping[str, Any]) -> tuple[str, ...]:
    given = fields.get("accept", ())
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Sequence):
        raise RowProblem(f"accept must be text or a list of texts, not {_type_name(given)}")
    return tuple(canonical_text(_checked(answer, "accept")) for answer in cast("Sequence[object]", given))


def _topic(fields: Mapping[str, Any]) -> str | None:
    given = fields.get("topic", "")
    return canonical_text(_checked(given, "topic")) if given != "" else None


def _karma(fields: Mapping[str, Any]) -> float | None:
    given = fields.get("karma")
    if given is None:
        return None
    # The bounds also keep out NaN, the infinities and whole numbers too big for a float.
    if isinstance(given, bool) or not isinstance(given, int | float) or not -1e300 < given < 1e300:
        raise RowProblem(f"karma must be a number, not {given!r:.40}")
    return given


def _score(fields: Mapping[str, Any]) -> How | None:
    given = fields.get("score")
    if given is None or given == "match" or given == "choice":
        return given
    raise RowProblem(f'score must be "match" or "choice", not {given!r:.40}')


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def _size(row: Row) -> int:
    return sum(len(text.encode()) for text in row.texts)
