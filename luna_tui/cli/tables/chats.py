"""Stored conversations: a table of them, and one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from luna_tui.common.safe_text import safe_line, safe_text
from luna_tui.common.terminal import Glyphs

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat, StoredTurn


def chats_table(chats: Sequence[StoredChat]) -> Table:
    """Return one row for each conversation: id, time of the last answer, who answered, turns, first prompt."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("last (UTC)", no_wrap=True, style="dim")
    table.add_column("gen", no_wrap=True)
    table.add_column("turns", justify="right")
    table.add_column("first prompt", overflow="ellipsis", no_wrap=True, ratio=1)
    for chat in chats:
        first = chat.turns[0].prompt if chat.turns else ""
        cells = (chat.id, chat.last_time[:16].replace("T", " "), chat.ref, str(len(chat.turns)), first)
        table.add_row(*(Text(safe_line(cell)) for cell in cells))
    return table


def chat_lines(chat: StoredChat, glyphs: Glyphs) -> Iterator[Text]:
    """Yield a conversation in full, line by line."""
    dot = f" {glyphs.dot} "
    kept = "turns kept" if chat.kept else "each prompt on its own"
    sampling = dot.join(f"{name} {value:g}" for name, value in chat.sampling.items())
    facts = (chat.id, chat.label, chat.sha[:12] or "no SHA recorded", kept, sampling)
    yield Text(safe_line(dot.join(fact for fact in facts if fact)), "dim")
    if chat.torn:
        yield Text(f"{chat.torn} torn, as a crash leaves lines, and skipped", "yellow")
    for turn in chat.turns:
        yield Text()
        yield Text(safe_text(turn.prompt), "bold")
        yield Text.assemble((f"{turn.label} ", "cyan"), safe_text(turn.answer), (_ending(turn, dot), "dim"))
        if turn.correction is not None:
            yield Text.assemble(("corrected ", "green"), safe_text(turn.correction))


def _ending(turn: StoredTurn, dot: str) -> str:
    notes = [] if turn.stop_reason == "eos" else [safe_line(turn.stop_reason)]
    notes += ["goes on with the prompt"] if turn.continued else []
    return "".join(f"{dot}{note}" for note in notes)
