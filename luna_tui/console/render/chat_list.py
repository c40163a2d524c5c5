"""Draws stored conversations: the header of their page, a line for each, and one in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells
from rich.text import Text

from engine.core.counted import counted
from luna_tui.common.terminal import Glyphs
from luna_tui.console.render.conversation import fold, shown_line, shown_text

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat, StoredTurn

_TURNS = 100
"""As many turns of a conversation are drawn, the newest."""


def draw_chats_header(found: int, count: int, words: str, width: int, glyphs: Glyphs) -> list[Text]:
    """Return how many conversations are shown, and the headings of the list."""
    head = Text().append(f" {counted(count, 'stored conversation')}", "title")
    if words:
        head.append(f" {glyphs.dot} {found} with ").append(shown_line(words, glyphs), "key")
    head.truncate(width)
    headings = Text(f" {'last (UTC)':<17}{'gen':<6}{'turns':>5}  first prompt", "dim")
    headings.truncate(width)
    return [head, headings]


def draw_chat_line(chat: StoredChat, width: int, glyphs: Glyphs) -> Text:
    """Return one line of the list: when, who, how many turns, and the first prompt."""
    time = chat.last_time[:16].replace("T", " ")
    line = Text().append(f" {shown_line(time, glyphs):<17}", "dim")
    line.append(f"{shown_line(chat.ref, glyphs):<6}", "accent").append(f"{len(chat.turns):>5}  ", "dim")
    first = shown_line(chat.turns[0].prompt, glyphs) if chat.turns else ""
    return line.append(_cut(first, max(4, width - line.cell_len), glyphs))


def draw_chat(chat: StoredChat, words: str, width: int, glyphs: Glyphs) -> tuple[list[Text], int]:
    """Return a conversation in full, and the line at which the searched words are found first."""
    dot = f" {glyphs.dot} "
    facts = [chat.id, "turns kept" if chat.kept else "each prompt on its own"]
    facts += [chat.sha[:12]] if chat.sha else []
    lines = _folded(dot.join(facts), width, glyphs, "dim")
    if chat.torn:
        lines += _folded(f"{counted(chat.torn, 'line')} torn by a crash, and skipped", width, glyphs, "warn")
    turns = chat.turns[-_TURNS:]
    if len(turns) < len(chat.turns):
        lines += _folded(f"{counted(len(chat.turns) - len(turns), 'turn')} before these", width, glyphs, "dim")
    at = 0
    for turn in turns:
        if words and not at and _has(turn, words):
            at = len(lines)
        lines += [Text(), *_turn(turn, width, glyphs)]
    return lines, at


def _turn(turn: StoredTurn, width: int, glyphs: Glyphs) -> list[Text]:
    notes = [] if turn.stop_reason == "eos" else [turn.stop_reason]
    notes += ["goes on with the prompt"] if turn.continued else []
    lines = _folded(turn.prompt, width, glyphs, "bold")
    lines.append(Text().append(turn.label, "accent").append("".join(f" {glyphs.dot} {note}" for note in notes), "dim"))
    lines += [Text("  ").append_text(line) for line in _folded(turn.answer, width - 2, glyphs, "")]
    if turn.correction is not None:
        lines += _folded(f"corrected {glyphs.arrow} {turn.correction}", width, glyphs, "good")
    return lines


def _has(turn: StoredTurn, words: str) -> bool:
    return any(words.casefold() in text.casefold() for text in (turn.prompt, turn.said))


def _folded(text: str, width: int, glyphs: Glyphs, style: str) -> list[Text]:
    return [Text().append(line, style) for line in fold(shown_text(text, glyphs), max(8, width))]


def _cut(text: str, width: int, glyphs: Glyphs) -> str:
    if cell_len(text) <= width:
        return text
    return chop_cells(text, max(1, width - len(glyphs.ellipsis)))[0] + glyphs.ellipsis
