"""Every exam item and tone answer of a generation: a list, and the one under the cursor in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.render.items_list import (
    EVAL_OF,
    FILTERS,
    Filter,
    ItemEntry,
    chosen,
    draw_entry,
    draw_entry_line,
    draw_header,
    entries_of,
)
from luna_tui.console.render.status import draw_job
from luna_tui.console.state.console_state import ConsoleState, JobView
from luna_tui.console.widgets.lines import Lines


class ItemsList(Lines, can_focus=True, inherit_bindings=False):
    """The list of items; its arrow keys move the cursor, where on other pages they scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "screen.move(1)", "down", show=False),
        Binding("up,k", "screen.move(-1)", "up", show=False),
        Binding("pagedown", "screen.page(1)", "page down", show=False),
        Binding("pageup", "screen.page(-1)", "page up", show=False),
        Binding("home", "screen.edge(0)", "first", show=False),
        Binding("end", "screen.edge(1)", "last", show=False),
    ]


class ItemsScreen(Screen[None]):
    """Shows the failed items first, each with prompt, expected and actual answer."""

    DEFAULT_CSS = """
    ItemsScreen #items-header { height: 2; }
    ItemsScreen #items-list { width: 1fr; padding: 0 1; }
    ItemsScreen #items-detail { width: 1fr; padding: 0 1; border-left: solid $panel; }
    ItemsScreen.-narrow Horizontal { layout: vertical; }
    ItemsScreen.-narrow #items-detail { border-left: none; border-top: solid $panel; }
    App.-ascii ItemsScreen #items-detail { border-left: ascii $panel; }
    ItemsScreen #items-words { height: 1; border: none; display: none; }
    ItemsScreen #items-keys { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back"),
        Binding("slash", "words", "search", show=False),
        Binding("v", "examine", "examine again", show=False),
        *(Binding(str(n), f"only('{name}')", label, show=False) for n, (name, label) in enumerate(FILTERS, start=1)),
    ]

    def __init__(self, gen: int, glyphs: Glyphs) -> None:
        super().__init__()
        self.gen, self.glyphs = gen, glyphs
        self._found: object = None
        self._entries: tuple[ItemEntry, ...] = ()
        self._shown: tuple[ItemEntry, ...] = ()
        self._which: Filter = "all"
        self._words = ""
        self._parent_gen: int | None = None
        self._job: JobView | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="items-header")
        with Horizontal():
            yield ItemsList(id="items-list")
            yield Lines(id="items-detail")
        yield Input(placeholder="words to look for; escape clears", id="items-words")
        yield Lines(id="items-keys")

    def on_mount(self) -> None:
        """Focus the list and request the evaluation."""
        self.query_one("#items-list").focus()
        self.post_message(messages.NeedEvaluation(self.gen))
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Put list and detail side by side where both fit."""
        self.set_class(event.size.width < 100, "-narrow")
        self.call_after_refresh(self._draw)

    def show(self, state: ConsoleState) -> None:
        """Show the evaluation once it is loaded, and the job in progress."""
        found = state.evaluations.get(f"G{self.gen}")
        self._parent_gen = (state.row(self.gen) or {}).get("parent_gen")
        if state.job is not self._job:
            self._job = state.job
            self._draw_keys()
        if found is self._found:
            return
        self._found = found
        self._entries = entries_of(found) if isinstance(found, Mapping) else ()
        self._choose()

    def _choose(self) -> None:
        self._shown = chosen(self._entries, self._which, self._words, self.gen, self._parent_gen)
        listing = self.query_one("#items-list", Lines)
        listing.cursor = 0 if self._shown else None
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        glyphs, listing = self.glyphs, self.query_one("#items-list", Lines)
        header = draw_header(
            self.gen, self._entries, len(self._shown), self._which, self._words, self.size.width, glyphs
        )
        self.query_one("#items-header", Lines).set_lines(header)
        self._draw_keys()
        if not self._entries:
            problem = self._found if isinstance(self._found, str) else ""
            said = Text(safe_line(problem), "bad") if problem else Text("reading the items", "dim")
            listing.set_lines([said])
            self.query_one("#items-detail", Lines).set_lines([])
            return
        if not self._shown:
            listing.set_lines([Text("none of these", "dim")])
            self.query_one("#items-detail", Lines).set_lines([])
            return
        width = max(10, listing.scrollable_content_region.width)
        listing.set_source(len(self._shown), lambda index: draw_entry_line(self._shown[index], width, glyphs))
        self._draw_detail()

    def _draw_keys(self) -> None:
        if self._job is not None:
            line = Text(" ").append_text(draw_job(self._job, self.size.width - 1, self.glyphs))
        else:
            again = EVAL_OF.get(self._which, "it")
            keys = f" escape back   / search   1-7 filter   up/down move   v examines {again} again"
            line = Text(keys if len(keys) <= self.size.width else keys.removesuffix(" again"), "dim")
        self.query_one("#items-keys", Lines).set_lines([line])

    def _draw_detail(self) -> None:
        detail = self.query_one("#items-detail", Lines)
        cursor = self.query_one("#items-list", Lines).cursor
        if cursor is not None and cursor < len(self._shown):
            detail.set_lines(
                draw_entry(self._shown[cursor], max(10, detail.scrollable_content_region.width), self.glyphs)
            )
            detail.scroll_to(y=0, animate=False)

    def action_move(self, by: int) -> None:
        """Move the cursor by this many items."""
        listing = self.query_one("#items-list", Lines)
        if self._shown:
            listing.cursor = min(len(self._shown) - 1, max(0, (listing.cursor or 0) + by))
            self._draw_detail()

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(by * max(1, self.query_one("#items-list").size.height - 1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last item."""
        self.action_move(len(self._shown) if end else -len(self._shown))

    def action_only(self, which: Filter) -> None:
        """Show only the items of one filter."""
        self._which = which
        self._choose()

    def action_examine(self) -> None:
        """Run the filter's eval again, or all three where the filter has none of its own."""
        self.post_message(messages.Examine(self.gen, EVAL_OF.get(self._which)))

    def action_words(self) -> None:
        """Open and focus the search line."""
        words = self.query_one("#items-words", Input)
        words.display = True
        words.focus()

    @on(Input.Changed, "#items-words")
    def _search(self, event: Input.Changed) -> None:
        self._words = event.value
        self._choose()

    @on(Input.Submitted, "#items-words")
    def _searched(self) -> None:
        self.query_one("#items-list").focus()

    def action_back(self) -> None:
        """Close the search line first, then the page."""
        words = self.query_one("#items-words", Input)
        if words.display:
            words.value = ""
            words.display = False
            self.query_one("#items-list").focus()
        else:
            self.dismiss()
