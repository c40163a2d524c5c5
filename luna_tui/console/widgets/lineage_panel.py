"""The lineage pane: the tree, its column names above it, and a filter below it while one is set."""

from __future__ import annotations

from typing import ClassVar, Self

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input

from luna_tui.common.terminal import UNICODE, Glyphs
from luna_tui.console.render.lineage_pane import legend
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.lineage_list import LineageTree
from luna_tui.console.widgets.lines import Lines


class LineagePanel(Vertical):
    """The lineage tree with its column names and its filter."""

    DEFAULT_CSS = """
    LineagePanel #lineage-heading { height: 1; overflow: hidden; }
    LineagePanel #lineage-filter { height: 1; border: none; padding: 0 1; display: none; }
    LineagePanel.-filtered #lineage-filter { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", show=False),
        Binding("escape", "clear", "no filter", show=False),
    ]

    state: reactive[ConsoleState | None] = reactive(None, init=False)

    def __init__(self, *, id: str | None = None, title: str = "", glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id=id, classes="pane")
        self.glyphs = glyphs
        self._title = title
        self.border_title = title
        self._heading = Lines(id="lineage-heading")
        self._tree = LineageTree(self._heading, id="lineage-tree", glyphs=glyphs)
        self._filter = Input(id="lineage-filter", placeholder="phase, verdict, G3, sha")

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._tree
        yield self._filter

    def on_mount(self) -> None:
        """Show the state that is already known."""
        if self.state is not None:
            self.watch_state(self.state)

    def focus(self, scroll_visible: bool = True) -> Self:
        """Focus the tree, which handles the keys."""
        self._tree.focus(scroll_visible)
        return self

    def watch_state(self, state: ConsoleState | None) -> None:
        """Pass the state on to the tree, and update the border's text."""
        self._tree.state = state
        self._say()

    def _say(self) -> None:
        state = self.state
        if state is None or state.rows is None:
            return
        dot = f" {self.glyphs.dot} "
        words = f"{len(state.rows)} generations" if len(state.rows) > 1 else ""
        if self._tree.words.strip():
            words = f"{self._tree.found} of {len(state.rows)} match"
        self.border_title = Content(dot.join(part for part in (self._title, words) if part))
        room, keys = self.size.width - 2, ""
        marks = legend({str(row.get("verdict")) for row in state.rows[-200:]}, self.glyphs)
        for key in ("enter page", "space mark", f"{self.glyphs.arrow} details", "/ filter"):
            longer = f"{keys}{dot}{key}" if keys else key
            keys = longer if len(longer) <= room else keys
        if len(keys) + len(marks) + 3 <= room:
            keys = f"{marks}   {keys}"
        self.border_subtitle = Content(keys if state.rows else "")

    def on_resize(self, event: events.Resize) -> None:
        """Update the border's text for the new width."""
        self._say()

    def action_filter(self) -> None:
        """Open and focus the filter."""
        self.add_class("-filtered")
        self._filter.focus()

    def action_clear(self) -> None:
        """Clear the filter, and show all generations again."""
        self._filter.value = ""
        self.remove_class("-filtered")
        self._tree.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._tree.words = event.value
        self._tree.redraw()
        self._say()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._tree.words.strip():
            self.action_clear()
        self._tree.focus()
        if self._tree.cursor is None:
            # Called from the tree's own task: a message that a parent sends on a child's behalf would not bubble.
            self._tree.call_later(self._tree.action_move, 1)
