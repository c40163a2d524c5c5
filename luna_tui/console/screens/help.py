"""The help dialog with all keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from luna_tui.common.terminal import ASCII, Glyphs
from luna_tui.console.render.help_page import draw_help
from luna_tui.console.state.actions import Action
from luna_tui.console.widgets.fields import Words, key_hints
from luna_tui.console.widgets.lines import Lines


class Help(ModalScreen[None]):
    """Shows the keys grouped by purpose."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss(None)", show=False)]
    CSS = """
    Help .dialog { width: 130; height: 95%; }
    Help.-ascii HelpLines { scrollbar-size-vertical: 0; }
    Help Words { margin-top: 1; }
    """

    def __init__(self, actions: Sequence[Action], glyphs: Glyphs) -> None:
        super().__init__()
        self._actions, self._glyphs = actions, glyphs
        # The scroll bar is drawn with block characters, which are not ASCII.
        self.set_class(glyphs is ASCII, "-ascii")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Help")
            yield HelpLines(self._actions, self._glyphs)
            yield Words(key_hints(("up down pgup pgdn", "scroll"), ("esc", "back")))


class HelpLines(Lines, can_focus=True):
    """The help text, laid out for the widget's width."""

    def __init__(self, actions: Sequence[Action], glyphs: Glyphs) -> None:
        super().__init__()
        self._actions, self._glyphs = actions, glyphs

    def on_resize(self, event: events.Resize) -> None:
        """Lay the text out again for the new width."""
        self.set_lines(draw_help(self._actions, self.scrollable_content_region.width, self._glyphs))
