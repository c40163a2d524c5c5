"""What was left out of the data that was read, in words."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.counted import counted
from engine.data.formats import conversation
from engine.data.parsers import BRANCHES, MARKED_ROWS, UNANSWERED

_WORDS = {
    conversation.SYSTEM_MESSAGES: ("system message", "system messages", "left out: a raw prompt has no place for one"),
    conversation.SILENT_TURNS: ("turn that carries no speech", "turns that carry no speech", "left out (tools)"),
    conversation.SILENT_PARTS: ("part that is no text", "parts that are no text", "left out (images, sound, files)"),
    conversation.EMPTY_ANSWERS: ("empty answer", "empty answers", "left out"),
    conversation.BAD_TURNS: ("turn that cannot be read", "turns that cannot be read", "left out, with its answer"),
    conversation.NOT_LEARNED: ("answer", "answers", "marked not to be learned: history only"),
    BRANCHES: ("branch not taken", "branches not taken", "left out: what the person kept is learned"),
    UNANSWERED: ("turn", "turns", "without an answer after them, left out"),
}


def left_out_lines(left_out: Mapping[str, int], marker: str) -> list[str]:
    """Return a sentence for each kind of thing that was left out of the rows, counted; `marker` is an example."""
    lines = [
        f"{counted(left_out[kind], one, many)} {what}"
        for kind, (one, many, what) in _WORDS.items()
        if left_out.get(kind)
    ]
    rows, turns = left_out.get(MARKED_ROWS, 0), left_out.get(conversation.MARKED_TURNS, 0)
    if rows or turns:
        found = [counted(rows, "row")] if rows else []
        found += [counted(turns, "turn")] if turns else []
        lines.append(
            f"{' and '.join(found)} with control markers left out, such as {marker}: the model would learn to "
            'write it as text; [curriculum] markers = "keep" learns them'
        )
    return lines
