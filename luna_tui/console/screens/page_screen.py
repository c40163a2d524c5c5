"""What a page of its own above the dashboard is made of: one scrolled page, and its keys in the last line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from luna_tui.common.terminal import ASCII, Glyphs, ascii_text
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.lines import Lines
from luna_tui.console.widgets.pane import Pane


class PageScreen(Screen[None]):
    """Keeps the newest state, None before the first one, and calls `take_in` with it as soon as the page is mounted."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "back", show=False)]

    def __init__(self, page: Pane, keys: Sequence[tuple[str, str]], glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.state: ConsoleState | None = None
        self._shown = page
        self._key_line = Lines(id=f"{page.id}-keys")
        self._own_keys = keys

    def compose(self) -> ComposeResult:
        yield self._shown
        yield self._key_line

    def on_mount(self) -> None:
        """Focus the page and show what is loaded so far."""
        self._shown.focus()
        self._key_line.set_lines([key_line(self._own_keys, self.glyphs)])
        self.take_in()

    def show(self, state: ConsoleState) -> None:
        """Store the new state and redraw from it."""
        self.state = state
        if self.is_mounted:
            self.take_in()

    def take_in(self) -> None:
        """Request what is missing and redraw the page; each page has its own way."""
        raise NotImplementedError


def key_line(keys: Sequence[tuple[str, str]], glyphs: Glyphs) -> Text:
    """Return a page's keys as its last line."""
    text = Text(" ")
    for key, what in keys:
        text.append(ascii_text(key) if glyphs is ASCII else key, "key").append(f" {what}  ", "dim")
    return text
