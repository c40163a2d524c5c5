"""A pane of the dashboard: it is given the whole state and redraws when its own part of it has changed."""

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
    """Subclasses say which facts they depend on and draw them; hidden panes do no work."""

    KIND: ClassVar[str] = "pane"

    state: reactive[ConsoleState | None] = reactive(None, repaint=False, init=False)

    def __init__(self, *, id: str | None = None, title: str = "", glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id=id, classes=self.KIND)
        self.glyphs = glyphs
        self.border_title = title
        self._drawn: tuple[object, ...] | None = None
        self._size_drawn = Size()

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        """The parts of the state that the drawing depends on; compared by identity."""
        raise NotImplementedError

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        """Draw the state with `set_lines` or `set_source`."""
        raise NotImplementedError

    def watch_state(self, state: ConsoleState | None) -> None:
        """Redraw if something this pane shows is new."""
        self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size."""
        self.redraw()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw for the new size before it is painted: a resize is told of only after the first paint in that size."""
        if self.scrollable_content_region.size != self._size_drawn:
            self.painting = True
            try:
                self.redraw()
            finally:
                self.painting = False
        return super().render_lines(crop)

    def on_show(self, event: events.Show) -> None:
        """Catch up with what was missed while hidden."""
        self.redraw()

    def redraw(self, *, force: bool = False) -> None:
        """Draw if the facts or the size differ from what is on the screen."""
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
            # One pane's fault must not take the others away, nor the run behind them.
            # The console has this descriptor lead to runs/console.log; sys.stderr is Textual's while it draws.
            os.write(2, traceback.format_exc().encode(errors="replace"))
            words = f"this pane could not be drawn: {type(error).__name__}; the traceback is in runs/console.log"
            self.set_lines([Text(line, "bad") for line in wrap(words, max(8, size.width))])


def _same(one: object, other: object) -> bool:
    if one is other:
        return True
    simple = (int, float, str, bool, type(None))
    return isinstance(one, simple) and isinstance(other, simple) and one == other
