"""A pane of the dashboard: it receives the whole state and redraws when its own part of it has changed."""

from __future__ import annotations

import os
import traceback
from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip

from luna_tui.common.terminal import UNICODE, Glyphs
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.lines import Lines


class Pane(Lines, can_focus=True):
    """The base class of panes: subclasses name the facts they depend on and draw them; hidden panes do no work."""

    KIND: ClassVar[str] = "pane"

    state: reactive[ConsoleState | None] = reactive(None, repaint=False, init=False)

    def __init__(self, *, id: str | None = None, title: str = "", glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id=id, classes=self.KIND)
        self.glyphs = glyphs
        self.border_title = title
        self._drawn: tuple[object, ...] | None = None
        self._size_drawn = Size()

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        """Return the parts of the state that the drawing depends on; compared by identity."""
        raise NotImplementedError

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        """Draw the state with `set_lines` or `set_source`."""
        raise NotImplementedError

    def watch_state(self, state: ConsoleState | None) -> None:
        """Redraw if something this pane shows has changed."""
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Redraw for the new size."""
        self.redraw()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Redraw for a new size before painting: Textual reports a resize only after the first paint in that size."""
        if self.scrollable_content_region.size != self._size_drawn:
            self.painting = True
            try:
                self.redraw()
            finally:
                self.painting = False
        return super().render_lines(crop)

    def on_show(self, event: events.Show) -> None:
        """Redraw with what has changed while the pane was hidden."""
        self.redraw()

    def redraw(self, *, force: bool = False) -> None:
        """Redraw if the facts or the size differ from what is shown, or if `force` is set."""
        state, size = self.state, self.scrollable_content_region
        if state is None or not self.is_attached or not size.width or not size.height:
            return
        facts = (*self.facts(state), size.width, size.height)
        old = self._drawn
        same = old is not None and len(old) == len(facts) and all(map(_same, old, facts))
        if same and not force:
            return
        self._drawn, self._size_drawn = facts, size.size
        try:
            self.draw(state, size.width, size.height)
        except Exception as error:
            # An error in one pane must not take the others down, nor the run behind them.
            # In the console this descriptor leads to runs/console.log; sys.stderr is Textual's while it draws.
            os.write(2, traceback.format_exc().encode(errors="replace"))
            words = f"this pane could not be drawn: {type(error).__name__}; the traceback is in runs/console.log"
            self.set_lines([Text(line, "bad") for line in wrap(words, max(8, size.width))])


def _same(one: object, other: object) -> bool:
    if one is other:
        return True
    simple = (int, float, str, bool, type(None))
    return isinstance(one, simple) and isinstance(other, simple) and one == other
