"""The log pane: the messages of the engine and the console, newest at the bottom."""

from __future__ import annotations

import textwrap
from datetime import datetime

from rich.text import Text

from luna_tui.common.safe_text import safe_line
from luna_tui.console.state.console_state import ConsoleState, LogEntry
from luna_tui.console.widgets.pane import Pane

_STYLES = {"error": "bad", "warning": "warn"}


class LogPanel(Pane):
    """The log's lines; the pane follows the newest one unless the user has scrolled up."""

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.log,)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        at_end = self.scroll_offset.y >= self.max_scroll_y
        lines = draw_log(state.log, width) or [Text().append("nothing was said yet", "dim")]
        self.set_lines(lines)
        if at_end:
            self.scroll_end(animate=False)


def draw_log(entries: tuple[LogEntry, ...], width: int) -> list[Text]:
    """Return the log's lines, long ones wrapped at the pane's edge."""
    lines: list[Text] = []
    for entry in entries:
        time = datetime.fromtimestamp(entry.wall).strftime("%H:%M:%S") if entry.wall is not None else "        "
        words = f"{safe_line(entry.source)}: {safe_line(entry.text)}"
        folded = textwrap.wrap(words, max(8, width - 10)) or [""]
        for place, part in enumerate(folded):
            head = Text().append(time if place == 0 else " " * 8, "dim").append(" ")
            lines.append(head.append(part, _STYLES.get(entry.level, "")))
    return lines
