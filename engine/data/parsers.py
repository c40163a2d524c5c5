"""Parse a decoded record of a data file into canonical rows, or the reason why it gives none.

A record is an object in one of these forms, or in the spellings of `engine.data.formats` (null counts as absent,
further keys are ignored):

    {"prompt", "response"}                          a question and its answer
    {"messages": [{"role", "content"}, …]}          a chat; also {"conversations": [{"from", "value"}, …]}, ShareGPT
    {"instruction", "input", "output"}              Alpaca
    {"mapping": {…}, "current_node"}                a chat export
    {"text"}                                        plain text

with `accept`, `topic`, `karma` and `score` beside them if wanted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from engine.data.formats.chat_tree import kept_branch
from engine.data.formats.conversation import (
    NOT_LEARNED,
    SYSTEM_MESSAGES,
    ReadTurns,
    is_turns,
    read_conversation,
)
from engine.data.formats.fields import (
    ANSWERS,
    CONVERSATIONS,
    PROMPTS,
    SYSTEMS,
    TEXTS,
    first,
    how_to_map,
    named,
    question_fields,
)
from engine.data.formats.markers import find_marker
from engine.data.formats.values import RowProblem, checked, plain_text, text_of, type_name
from engine.data.rows import How, Row, canonical_text, excerpt, make_chat, make_row

__all__ = ["Parsed", "RowProblem", "parse_record"]

BRANCHES = "branches_not_taken"
MARKED_ROWS = "rows_with_markers"
UNANSWERED = "unanswered_turns"
NO_COLUMNS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The rows of one record, and counts of what raw prompts have no place for; `marker` is one that was found."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    marker: str = ""


def parse_record(
    record: object,
    *,
    stage: str,
    source: str,
    max_bytes: int = 1_000_000,
    columns: Mapping[str, str] = NO_COLUMNS,
    keep_markers: bool = False,
) -> Parsed:
    """Parse one record into its rows; raises RowProblem with the reason if it gives none.

    `columns` maps luna's names of fields to the file's. A row of more than `max_bytes` bytes of UTF-8, prompt and
    response together, is a problem too. Without `keep_markers` what holds control markers of a chat template gives no
    row.
    """
    if is_turns(record):
        record = {"messages": record}
    if not isinstance(record, dict):
        raise RowProblem(f"expected an object with prompt and response, got {type_name(record)}")
    fields = named(cast("dict[object, Any]", record), columns)
    common: dict[str, Any] = {"topic": _topic(fields), "karma": _karma(fields), "stage": stage, "source": source}
    common |= {"score": _score(fields)}
    accept = _accept(fields)
    prompt, answer, context = question_fields(fields)
    if (name := _conversation_field(fields)) is not None:
        parsed = _conversation(fields, name, accept, common, keep_markers)
    elif prompt is not None or answer is not None:
        parsed = _question(fields, prompt, answer, context, accept, common)
    elif (text := first(fields, TEXTS)) is not None:
        if accept or common["score"] == "match":
            raise RowProblem(
                'a plain text has no single right answer: `accept` and score "match" need prompt and response'
            )
        parsed = Parsed((make_row("", text_of(fields, text), kind="text", **common),))
    else:
        keys = excerpt(", ".join(fields)) or "nothing"
        raise RowProblem(f"neither prompt nor text (found {keys}): {how_to_map(fields)}")
    if any(sum(map(len, row.texts)) > max_bytes // 4 and _size(row) > max_bytes for row in parsed.rows):
        raise RowProblem(f"longer than max_line_bytes = {max_bytes}")
    return parsed if keep_markers else _without_markers(parsed)


def _without_markers(parsed: Parsed) -> Parsed:
    kept: list[Row] = []
    marker, left_out = parsed.marker, Counter(parsed.left_out)
    for row in parsed.rows:
        # Of a conversation, turns with markers were left out before.
        markers = [] if row.kind == "chat" else [one for text in row.texts if (one := find_marker(text))]
        found = markers[0] if markers else ""
        if found:
            marker = marker or found
            left_out[MARKED_ROWS] += 1
        else:
            kept.append(row)
    return Parsed(tuple(kept), left_out, marker) if len(kept) < len(parsed.rows) else parsed


def _conversation_field(fields: Mapping[str, Any]) -> str | None:
    """Return the field that holds a conversation; a table's cell may hold it as JSON."""
    for name in CONVERSATIONS:
        value = fields.get(name)
        if isinstance(value, str) and value.lstrip().startswith("[") and name != "history":
            return name
        if isinstance(value, list | dict) or (name in ("messages", "conversations") and value is not None):
            return name
    return next((name for name in (*PROMPTS, *ANSWERS) if is_turns(fields.get(name))), None)


def _conversation(
    fields: Mapping[str, Any], name: str, accept: tuple[str, ...], common: Mapping[str, Any], keep_markers: bool
) -> Parsed:
    """Return the row of a conversation."""
    turns, branches = fields[name], 0
    if name == "mapping":
        turns, branches = kept_branch(fields)
    elif isinstance(turns, str) and turns.lstrip().startswith("["):
        turns = _decoded(turns, name)
    if name in (*PROMPTS, *ANSWERS):
        turns = [turn for part in (*PROMPTS, *ANSWERS) if part in fields for turn in _as_turns(fields[part], part)]
    elif name == "history":
        turns = [*cast("list[object]", turns), *_pair_of(fields, cast("list[object]", turns))]
    found = read_conversation(turns, name, keep_markers=keep_markers)
    found.left_out[SYSTEM_MESSAGES] += sum(bool(str(fields[key]).strip()) for key in SYSTEMS if key in fields)
    found.left_out[BRANCHES] += branches
    row = _row_of(found, name, accept, common)
    if row is None:
        return Parsed((), +found.left_out, found.marker)
    found.left_out[UNANSWERED] += len(found.turns) - max(
        at + 1 for at, turn in enumerate(found.turns) if turn.role == "assistant"
    )
    return Parsed((row,), +found.left_out, found.marker)


def _row_of(found: ReadTurns, name: str, accept: tuple[str, ...], common: Mapping[str, Any]) -> Row | None:
    """Return the row, None where markers alone kept it from being one; raises RowProblem with the reason."""
    try:
        return make_chat(found.turns, accept=accept, **common)
    except ValueError:
        pass
    if found.marker:
        return None
    if found.problems:
        raise RowProblem(found.problems[0])
    if not any(turn.role == "user" for turn in found.turns):
        raise RowProblem(f"{name}: no user turn")
    if not any(turn.role == "assistant" for turn in found.turns):
        raise RowProblem(f"{name}: no assistant turn, nothing to learn")
    if found.left_out[NOT_LEARNED]:
        raise RowProblem(f"{name}: every answer is marked not to be learned")
    raise RowProblem(f"{name}: begins with the assistant, so there is no prompt to its first turn")


def _as_turns(value: object, name: str) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    return [{"role": "user" if name in PROMPTS else "assistant", "content": value}]


def _pair_of(fields: Mapping[str, Any], history: list[object]) -> list[object]:
    """Return the question and answer that follow a history, in the form its turns have."""
    prompt, answer, _ = question_fields([name for name in fields if name != "history"])
    if prompt is None or answer is None:
        return []
    pair = [fields[prompt], fields[answer]]
    if history and all(isinstance(turn, list) for turn in history):
        return [pair]
    if history and all(isinstance(turn, str) for turn in history):
        return pair
    return [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]


def _question(
    fields: Mapping[str, Any],
    prompt: str | None,
    answer: str | None,
    context: str | None,
    accept: tuple[str, ...],
    common: Mapping[str, Any],
) -> Parsed:
    if answer is None:
        others = ", ".join(name for name in fields if name != prompt) or "nothing else"
        raise RowProblem(f"{prompt} without response (found {excerpt(others)})")
    if prompt is None:
        others = ", ".join(name for name in fields if name != answer) or "nothing else"
        raise RowProblem(f"{answer} without prompt (found {excerpt(others)})")
    given = "\n" + text_of(fields, context) if context and canonical_text(str(fields[context])) else ""
    said, more = _answers(fields[answer]) if answer == "answers" else (plain_text(fields[answer]), ())
    row = make_row(text_of(fields, prompt) + given, checked(said, answer), accept=(*accept, *more), **common)
    systems = sum(bool(str(fields[key]).strip()) for key in SYSTEMS if key in fields)
    return Parsed((row,), {SYSTEM_MESSAGES: systems} if systems else {})


def _answers(value: object) -> tuple[object, tuple[str, ...]]:
    """Return an answer and its other right wordings, where a field holds several of them."""
    if isinstance(value, dict):
        value = cast("dict[str, object]", value).get("text")
    if isinstance(value, list) and value and all(isinstance(one, str) for one in cast("list[object]", value)):
        said, *others = cast("list[str]", value)
        return said, tuple(dict.fromkeys(canonical_text(one) for one in others if one.strip() and one != said))
    return plain_text(cast("object", value)), ()


def _decoded(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RowProblem(f"{name} holds malformed JSON: {error}") from None


def _accept(fields: Mapping[str, Any]) -> tuple[str, ...]:
    given = plain_text(fields.get("accept", ()))
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Sequence):
        raise RowProblem(f"accept must be text or a list of texts, not {type_name(given)}")
    return tuple(canonical_text(checked(plain_text(one), "accept")) for one in cast("Sequence[object]", given))


def _topic(fields: Mapping[str, Any]) -> str | None:
    given = fields.get("topic", "")
    return canonical_text(checked(given, "topic")) if given != "" else None


def _karma(fields: Mapping[str, Any]) -> float | None:
    given = fields.get("karma")
    if given is None:
        return None
    # The bounds also keep out NaN, the infinities and whole numbers too big for a float.
    if isinstance(given, bool) or not isinstance(given, int | float) or not -1e300 < given < 1e300:
        raise RowProblem(f"karma must be a number, not {given!r:.40}")
    return float(given) if isinstance(given, float) else given


def _score(fields: Mapping[str, Any]) -> How | None:
    given = fields.get("score")
    if given is None or given == "match" or given == "choice":
        return given
    raise RowProblem(f'score must be "match" or "choice", not {given!r:.40}')


def _size(row: Row) -> int:
    return sum(len(text.encode()) for text in row.texts)
