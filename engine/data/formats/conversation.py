"""Conversations in the spellings people have: whose turn it is, what was said, and what of it is to be learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from engine.data.formats.markers import find_marker
from engine.data.formats.values import RowProblem, checked, plain_text, type_name
from engine.data.messages import Message, Role
from engine.data.rows import canonical_text

_USER = ("user", "human", "customer", "prompter", "client", "person", "questioner", "visitor", "caller", "player")
_ASSISTANT = (
    "assistant", "gpt", "model", "bot", "ai", "agent", "chatgpt", "chatbot", "bard", "bing", "claude", "gemini",
    "llama", "llm", "luna", "copilot", "answerer",
)  # fmt: skip
_SYSTEM = ("system", "developer", "instructions")
_SILENT = (
    "tool", "tools", "function", "ipython", "observation", "environment", "function_call", "function_response",
    "tool_call", "tool_calls", "tool_response", "tool_result", "tool_results", "code", "plugin", "thought", "thoughts",
)  # fmt: skip
_KIND_OF_ROLE = {name: kind for kind, names in enumerate((_USER, _ASSISTANT, _SYSTEM, _SILENT)) for name in names}
_ROLE_KEYS = ("role", "from", "speaker", "sender", "author", "sender_type")
_TEXT_KEYS = ("content", "value", "text", "message", "body", "utterance", "parts")
_ROLES = "user, assistant, system, tool (or human, gpt, model, bot, …)"
_WEIGHTS = ("weight", "loss_weight", "train", "trainable", "loss", "learn")

SYSTEM_MESSAGES = "system_messages"
SILENT_TURNS = "turns_without_speech"
SILENT_PARTS = "parts_without_text"
BAD_TURNS = "bad_turns"
EMPTY_ANSWERS = "empty_answers"
NOT_LEARNED = "answers_not_to_learn"
MARKED_TURNS = "turns_with_markers"


@dataclass(slots=True)
class ReadTurns:
    """The turns of a conversation, neighbours of one role joined, and counts of what was left out of it.

    `problems` are the reasons why turns were left out, `marker` the first control marker found in one.
    """

    turns: list[Message] = field(default_factory=list[Message])
    left_out: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])
    marker: str = ""

    def say(self, role: Role, text: str, learned: bool) -> None:
        """Add a turn, or go on with the last one where it has the same role."""
        text = canonical_text(text) if role == "user" else text
        if self.turns and self.turns[-1].role == role:
            before = self.turns.pop()
            # One of several lines that is not to be learned keeps the whole turn from being a target.
            text, learned = f"{before.text.rstrip()}\n{text}", learned and before.learned
        self.turns.append(Message(role, text, learned))


def is_turns(value: object) -> bool:
    """Return whether a value is a list of turns with roles."""
    if not isinstance(value, list) or not value:
        return False
    turns = cast("list[object]", value)
    return all(
        isinstance(turn, dict) and any(str(key).lower() in _ROLE_KEYS for key in cast("dict[object, object]", turn))
        for turn in turns
    )


def read_conversation(turns: object, name: str, *, keep_markers: bool = False) -> ReadTurns:
    """Return the conversation that a list of turns holds; raises RowProblem where it is none.

    Turns are objects with a role and a text, texts that take turns beginning with the user's, or pairs of question and
    answer. A turn that cannot be used costs the answer it is or belongs to, no more.
    """
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        raise RowProblem(f"{name} must be a list of turns, not {type_name(turns)}")
    found = ReadTurns()
    unusable = False  # the turn before was a person's and cannot be used, so what answers it is not to be learned
    for number, turn in enumerate(_objects(cast("Sequence[object]", turns), name), start=1):
        where = f"{name}, turn {number}"
        kind = _kind_of(turn, where)
        if kind == 2:
            found.left_out[SYSTEM_MESSAGES] += 1
            continue
        text, silent_parts = _text_of(turn)
        found.left_out[SILENT_PARTS] += silent_parts
        if kind == 3 or (not _is_said(text) and _is_tool_use(turn)):
            found.left_out[SILENT_TURNS] += 1
            continue
        if kind == 1 and unusable:
            found.left_out[BAD_TURNS] += 1
            continue
        try:
            if text is None:
                raise RowProblem(f"{where}: content is missing")
            said = checked(plain_text(text), f"{where}: content")
            if not keep_markers and (marker := find_marker(said)):
                found.marker = found.marker or marker
                found.left_out[MARKED_TURNS] += 1
                raise RowProblem(f"{where} contains the control marker {marker}")
        except RowProblem as problem:
            empty = kind == 1 and not _is_said(text)
            if "control marker" not in str(problem):
                found.left_out[EMPTY_ANSWERS if empty else BAD_TURNS] += 1
            found.problems.append(str(problem))
            unusable = kind == 0
            continue
        unusable = False
        learned = kind == 0 or _is_to_be_learned(turn)
        found.left_out[NOT_LEARNED] += not learned
        found.say("user" if kind == 0 else "assistant", said, learned)
    found.left_out += Counter()  # drops what was counted zero times
    return found


def _objects(turns: Sequence[object], name: str) -> list[dict[str, Any]]:
    if turns and all(isinstance(turn, str) for turn in turns):
        return [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
    if turns and all(isinstance(turn, list) and len(cast("list[object]", turn)) == 2 for turn in turns):
        pairs = cast("Sequence[list[object]]", turns)
        return [
            {"role": role, "content": text}
            for pair in pairs
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
    for number, turn in enumerate(turns, start=1):
        if not isinstance(turn, dict):
            raise RowProblem(f"{name}, turn {number}: expected an object, got {type_name(turn)}")
    found = cast("list[dict[str, Any]]", list(turns))
    return [{str(key).lower(): value for key, value in turn.items()} for turn in found]


def _kind_of(turn: Mapping[str, Any], where: str) -> int:
    """Return 0 for a person's turn, 1 for an answer, 2 for a system message, 3 for what is no speech."""
    key = next((key for key in _ROLE_KEYS if turn.get(key) is not None), None)
    if key is None:
        raise RowProblem(f"{where}: role must be one of {_ROLES}, and there is none")
    said: object = turn[key]
    if isinstance(said, dict):
        said = cast("dict[str, object]", said).get("role") or cast("dict[str, object]", said).get("name")
    kind = _KIND_OF_ROLE.get(said.strip().lower()) if isinstance(said, str) else None
    if kind is None:
        raise RowProblem(f"{where}: {key} must be one of {_ROLES}, not {said!r:.40}")
    return kind


def _text_of(turn: Mapping[str, Any]) -> tuple[object, int]:
    """Return what a turn says, and how many of its parts are no text."""
    silent = 0
    value: object = None
    for key in (key for key in _TEXT_KEYS if turn.get(key) is not None):
        value, left_out = _joined(turn[key])
        silent = max(silent, left_out)
        if not isinstance(value, str) or value.strip():
            break
    return value, silent


def _joined(value: object) -> tuple[object, int]:
    """Return the text of a value that may be a list of parts, and how many parts are no text."""
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value)
        nested = next((inner[key] for key in ("parts", "text", "content", "value") if inner.get(key) is not None), None)
        return _joined(nested) if nested is not None else (None, 1)
    if not isinstance(value, list):
        return value, 0
    texts: list[str] = []
    silent = 0
    for part in cast("list[object]", value):
        if isinstance(part, dict):
            kind = str(cast("dict[str, object]", part).get("type", "text"))
            part = cast("dict[str, object]", part).get("text") if "text" in kind else None
        if isinstance(part, str):
            texts += [part] if part.strip() else []
        else:
            silent += 1
    return "\n".join(texts), silent


def _is_said(text: object) -> bool:
    return text is not None and (not isinstance(text, str) or bool(text.strip()))


def _is_tool_use(turn: Mapping[str, Any]) -> bool:
    """Return whether a turn without text calls a tool or brings its result."""
    if any(turn.get(key) for key in ("tool_calls", "function_call", "tool_call")):
        return True
    parts: object = turn.get("content")
    kinds = [
        str(cast("dict[str, object]", part).get("type", ""))
        for part in (cast("list[object]", parts) if isinstance(parts, list) else [])
        if isinstance(part, dict)
    ]
    return bool(kinds) and all(kind.startswith("tool") for kind in kinds)


def _is_to_be_learned(turn: Mapping[str, Any]) -> bool:
    return not any(turn[key] is False or turn[key] == 0 for key in _WEIGHTS if turn.get(key) is not None)
