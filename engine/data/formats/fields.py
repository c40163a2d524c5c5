"""The names people give the fields of a question and its answer, and a person's own mapping of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

PROMPTS = ("prompt", "instruction", "question", "query", "q", "ask", "request", "human", "user")
ANSWERS = (
    "response",
    "completion",
    "answer",
    "output",
    "reply",
    "a",
    "assistant",
    "gpt",
    "bot",
    "chosen",
    "target",
    "answers",
)
CONTEXTS = ("input", "context", "passage")
TEXTS = ("text", "document", "content", "body")
CONVERSATIONS = (
    "messages",
    "conversations",
    "conversation",
    "dialog",
    "dialogue",
    "turns",
    "chat",
    "chat_messages",
    "history",
    "mapping",
)
SYSTEMS = ("system", "system_prompt", "system_message", "developer")
KNOWN = frozenset((*PROMPTS, *ANSWERS, *CONTEXTS, *TEXTS, *CONVERSATIONS))


_PLAIN = frozenset(("prompt", "response", "instruction", "output"))


def named(fields: Mapping[Any, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that are not null, in lower case and under the names they are mapped to.

    `columns` gives luna's name → the file's name.
    """
    found = {str(name): value for name, value in fields.items() if value is not None}
    lower = {name.strip().lower(): value for name, value in found.items()}
    for ours, theirs in columns.items():
        if theirs.lower() in lower:
            lower[ours] = lower.pop(theirs.lower())
    return lower


def first(fields: Collection[str], names: Collection[str]) -> str | None:
    """Return the first of these names that is a field."""
    return next((name for name in names if name in fields), None)


def question_fields(fields: Collection[str]) -> tuple[str | None, str | None, str | None]:
    """Return the names of the prompt, the answer, and the context that belongs below the prompt.

    `input` is the prompt where nothing else is and there is an answer to it, else it is context, as in Alpaca's files.
    """
    prompt, answer = first(fields, PROMPTS), first(fields, ANSWERS)
    if (prompt is None or answer is None) and first(fields, TEXTS) and not _PLAIN & {prompt, answer}:
        return None, None, None  # a text with a user, or a target, beside it is no half of a question
    if prompt is None and answer is not None and "input" in fields:
        return "input", answer, first(fields, CONTEXTS[1:])
    # A prompt is already whole: what stands beside it under `input` belongs to another program.
    return prompt, answer, first(fields, CONTEXTS if prompt != "prompt" else CONTEXTS[1:])


def how_to_map(columns: Collection[str]) -> str:
    """Return the advice for a table whose columns have unknown names."""
    shown = [str(name) for name in columns if str(name)] or ["question", "answer"]
    left, right = shown[0], shown[min(1, len(shown) - 1)]
    return (
        f"say which is which: --map prompt={left} --map response={right}, "
        f"or [curriculum.columns] in luna.toml, or rename them"
    )
