"""The generations of the lineage pane as lines under a cursor, which is the selected generation everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.render.lineage_pane import (
    LineageStyle,
    draw_details,
    draw_heading,
    draw_nothing_yet,
    draw_row,
    draw_running,
    indent_below,
    look_for,
)
from luna_tui.console.render.lineage_places import OWN, Numbered, Tree, lay_out, narrowed, number_lines, running_of
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.lines import Lines
from luna_tui.console.widgets.pane import Pane

_AGES_SECONDS = 30.0


class LineageTree(Pane):
    """The lines of the generations; the cursor is the generation that the other panes show."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "edge(0)", "first", show=False),
        Binding("end", "edge(-1)", "last", show=False),
        Binding("enter", "open", "page", show=False),
        Binding("space", "mark", "mark", show=False),
        Binding("right,plus", "details(True)", "details", show=False),
        Binding("left,minus", "details(False)", "fewer details", show=False),
    ]

    def __init__(self, heading: Lines, *, id: str, glyphs: Glyphs) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.remove_class("pane")
        self._heading = heading
        self.words = ""
        """The filter; empty shows all."""
        self._expanded: frozenset[int] = frozenset()
        self._whole: tuple[tuple[object, ...], Tree] | None = None
        self._tree = Tree((), {})
        self._details: Mapping[int, list[Text]] = {}
        self._numbered = Numbered()
        self._numbered_for: tuple[object, ...] = ()
        self._making: int | None = None
        self._drawn_for = (0, 0)

    def on_mount(self) -> None:
        """Redraw from time to time, so that ages stay correct while nothing else happens."""
        self.set_interval(_AGES_SECONDS, lambda: self.redraw(force=True))

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        running = running_of(state, self.glyphs)
        making = (running.gen, running.words) if running else (None, "")
        ui = state.ui
        return (
            state.rows,
            state.head,
            ui.selected,
            ui.marked,
            state.targets,
            state.base,
            *making,
            self.words,
            self._expanded,
        )

    @property
    def chosen(self) -> int | None:
        """The generation under the cursor, None for the base."""
        return self.state.ui.selected if self.state else None

    @property
    def found(self) -> int:
        """The number of lines that match the filter."""
        return len(self._tree.lines)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        glyphs = self.glyphs
        if state.rows is None:
            self._heading.set_lines([])
            self.set_lines([Text(f" reading the lineage{glyphs.ellipsis}", "dim")])
            return
        running = running_of(state, glyphs)
        self._lay_out(state)
        # The last column of a scrollable list belongs to its scroll bar.
        room = width - 1
        look = look_for(self._tree, state, room, glyphs, self.chosen, datetime.now(UTC))
        self._index(state, look)
        extra: list[Text] = []
        if not state.rows and running is None and not self.words:
            extra = draw_nothing_yet(room, glyphs)
        elif not self._tree.lines:
            extra = [Text(" no generation matches", "dim")]
        entries, lines, details = self._numbered.entries, self._tree.lines, self._details
        by_gen, base = state.by_gen, state.base

        def line(index: int) -> Text:
            if index >= len(entries):
                return extra[index - len(entries)]
            place, part = entries[index]
            at = lines[place]
            if part != OWN and at.gen is not None:
                return details[at.gen][part]
            if running is not None and at.gen == running.gen:
                return draw_running(at, running, look)
            return draw_row(at, by_gen.get(at.gen) if at.gen is not None else None, look, base)

        self._heading.set_lines([draw_heading(look)] if state.rows else [])
        self.set_source(len(entries) + len(extra), line)
        self.cursor = self._numbered.starts.get(self.chosen)
        making = self._numbered.starts.get(running.gen) if running else None
        if making is not None and making != self._making and running and self.chosen == running.parent_gen:
            self.bring_into_sight(making)
        self._making = making
        if (width, height) != self._drawn_for and self.cursor is not None:
            self.bring_into_sight(self.cursor)
        self._drawn_for = (width, height)

    def _lay_out(self, state: ConsoleState) -> None:
        """Lay the tree out again only when the rows, HEAD, the generation in training or the filter have changed."""
        running = running_of(state, self.glyphs)
        making = (running.gen, running.parent_gen) if running else None
        key: tuple[object, ...] = (state.head, making, self.words)
        old = self._whole
        if old is not None and old[0][0] is state.rows and old[0][1:] == key:
            return
        tree = lay_out(state.rows or (), state.head, running, self.glyphs)
        self._tree = narrowed(tree, state.by_gen, state.head, self.words) if self.words.strip() else tree
        self._whole = ((state.rows, *key), self._tree)

    def _index(self, state: ConsoleState, look: LineageStyle) -> None:
        """Number the lines; details of the opened generations are placed between them."""
        tree = self._tree
        key = (tree, self._expanded, look.width)
        if self._numbered_for and self._numbered_for[0] is tree and self._numbered_for[1:] == key[1:]:
            return
        self._numbered_for = key
        details: dict[int, list[Text]] = {}
        for gen in self._expanded:
            place, row = tree.places.get(gen), state.by_gen.get(gen)
            if place is not None and row is not None:
                below = tree.lines[place + 1] if place + 1 < len(tree.lines) else None
                details[gen] = draw_details(row, look, indent_below(tree.lines[place], below, self.glyphs))
        self._details = details
        self._numbered = number_lines(tree, {gen: len(lines) for gen, lines in details.items()})

    # Keys

    def choose(self, gen: int | None) -> None:
        """Select a generation, if it is not selected already."""
        if gen != self.chosen:
            messages.do_now(self, messages.Select(gen))

    def action_move(self, by: int) -> None:
        """Move the cursor by lines, skipping the generation in training."""
        state = self.state
        lines = self._tree.lines
        if state is None or not lines or state.rows is None:
            return
        place = self._tree.places.get(self.chosen)
        at = (-1 if by > 0 else len(lines)) if place is None else place
        step = 1 if by > 0 else -1
        at = min(max(at + by, 0), len(lines) - 1)
        while 0 <= at < len(lines) and not self._selectable(lines[at].gen, state):
            at += step
        if not 0 <= at < len(lines):
            self.scroll_to(y=0 if step < 0 else len(self._numbered.entries), animate=False)
        elif lines[at].gen != self.chosen or place is None:
            self.choose(lines[at].gen)

    def action_page(self, by: int) -> None:
        """Move the cursor by as many lines as are visible."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_edge(self, place: int) -> None:
        """Move the cursor to the first or the last generation."""
        self.action_move(-len(self._tree.lines) if place == 0 else len(self._tree.lines))

    def action_open(self) -> None:
        """Open the page of the generation under the cursor."""
        if self.chosen is not None and self.cursor is not None:
            self.post_message(messages.OpenGeneration(self.chosen))
        elif self.cursor is not None:
            self.post_message(
                messages.Tell("the base has no page: v examines it on HEAD's exams, c talks to it", "info")
            )

    def action_mark(self) -> None:
        """Mark the generation under the cursor for a comparison."""
        if self.cursor is not None:
            messages.do_now(self, messages.Mark(self.chosen))

    def action_details(self, shown: bool) -> None:
        """Open or close the detail lines below a generation."""
        gen = self.chosen
        if gen is not None and self.cursor is not None:
            self._expanded = self._expanded | {gen} if shown else self._expanded - {gen}
            self.redraw()
            end = self._numbered.starts.get(gen, 0) + len(self._details.get(gen, ()))
            self.bring_into_sight(end)
            self.bring_into_sight(self._numbered.starts.get(gen, 0))

    def on_click(self, event: events.Click) -> None:
        """Select with the first click, open the page with the second."""
        index = event.y + self.scroll_offset.y
        if self.state is None or not 0 <= index < len(self._numbered.entries):
            return
        gen = self._tree.lines[self._numbered.entries[index][0]].gen
        if self._selectable(gen, self.state):
            self.choose(gen)
            if event.chain == 2:
                self.action_open()

    @staticmethod
    def _selectable(gen: int | None, state: ConsoleState) -> bool:
        return gen is None or gen in state.by_gen
