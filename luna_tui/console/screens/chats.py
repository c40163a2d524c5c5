"""The page of stored conversations: a list, the one under the cursor in full, and a search as one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from luna_tui.common.terminal import ASCII, Glyphs
from luna_tui.console import messages
from luna_tui.console.render.chat_list import draw_chat, draw_chat_line, draw_chats_header
from luna_tui.console.render.conversation import shown_line
from luna_tui.console.screens.page_screen import key_line
from luna_tui.console.widgets.lines import Lines

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat
    from luna_tui.common.chat_export import ExportFormat

_KEYS = (
    ("enter", "go on"),
    ("/", "search"),
    ("m", "Markdown"),
    ("j", "JSONL"),
    ("i", "inbox"),
    ("esc", "back"),
)


class ChatsList(Lines, can_focus=True, inherit_bindings=False):
    """The list of conversations; letters are not for moving here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "screen.move(1)", "down", show=False),
        Binding("up", "screen.move(-1)", "up", show=False),
        Binding("pagedown", "screen.page(1)", "page down", show=False),
        Binding("pageup", "screen.page(-1)", "page up", show=False),
        Binding("home", "screen.edge(0)", "first", show=False),
        Binding("end", "screen.edge(1)", "last", show=False),
    ]


class ChatsScreen(Screen[None]):
    """Shows the conversations that `take_in` is given, the one talked in last first."""

    DEFAULT_CSS = """
    ChatsScreen #chats-header { height: 2; }
    ChatsScreen ChatsList { width: 1fr; }
    ChatsScreen #chats-detail { width: 1fr; padding: 0 1; border-left: solid $panel; }
    ChatsScreen.-narrow Horizontal { layout: vertical; }
    ChatsScreen.-narrow #chats-detail { border-left: none; border-top: solid $panel; }
    ChatsScreen.-ascii #chats-detail { border-left: ascii $panel; }
    ChatsScreen.-ascii.-narrow #chats-detail { border-left: none; border-top: ascii $panel; }
    ChatsScreen #chats-words { height: 1; border: none; display: none; }
    ChatsScreen #chats-notice, ChatsScreen #chats-keys { height: 1; scrollbar-gutter: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("enter", "go_on", "go on", show=False),
        Binding("slash", "words", "search", show=False),
        Binding("m", "export('markdown')", "Markdown", show=False),
        Binding("j", "export('jsonl')", "JSONL", show=False),
        Binding("i", "inbox", "inbox", show=False),
    ]

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.set_class(glyphs is ASCII, "-ascii")
        self._chats: tuple[StoredChat, ...] | None = None
        self._shown: tuple[StoredChat, ...] = ()
        self._words = ""

    def compose(self) -> ComposeResult:
        yield Lines(id="chats-header")
        with Horizontal():
            yield ChatsList(id="chats-list")
            yield Lines(id="chats-detail")
        yield Input(placeholder="words to look for; escape clears", id="chats-words")
        yield Lines(id="chats-notice")
        yield Lines(id="chats-keys")

    def on_mount(self) -> None:
        """Focus the list; the lines around it take no keys."""
        for around in ("#chats-header", "#chats-detail", "#chats-notice", "#chats-keys"):
            self.query_one(around).can_focus = False
        self._list.focus()
        self.query_one("#chats-keys", Lines).set_lines([key_line(_KEYS, self.glyphs)])
        self._choose()

    def on_resize(self, event: events.Resize) -> None:
        """Put list and detail side by side where both fit."""
        self.set_class(event.size.width < 110, "-narrow")
        self.call_after_refresh(self._draw)

    def take_in(self, chats: Sequence[StoredChat], problems: Sequence[str]) -> None:
        """Show these conversations, and what is wrong with the first file that is none."""
        self._chats = tuple(chats)
        if not self.is_mounted:
            return
        self._choose()
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            self.say(f"{problems[0]}{more}", "warn")

    def say(self, words: str, style: str) -> None:
        """Show a line above the keys."""
        self.query_one("#chats-notice", Lines).set_lines([Text().append(f" {shown_line(words, self.glyphs)}", style)])

    @property
    def _list(self) -> ChatsList:
        return self.query_one(ChatsList)

    @property
    def chosen(self) -> StoredChat | None:
        """The conversation under the cursor."""
        at = self._list.cursor
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def action_move(self, by: int) -> None:
        """Move the cursor by this many conversations."""
        if self._shown:
            self._list.cursor = min(len(self._shown) - 1, max(0, (self._list.cursor or 0) + by))
            self._draw_detail()

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(by * max(1, self._list.size.height - 1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last conversation."""
        self.action_move(len(self._shown) if end else -len(self._shown))

    def action_go_on(self) -> None:
        """Request that the conversation goes on in the chat pane."""
        if chat := self.chosen:
            messages.do_now(self, messages.ReopenChat(chat))

    def action_export(self, form: ExportFormat) -> None:
        """Request that the conversation is written into a file, whose name comes back through `say`."""
        if chat := self.chosen:
            messages.do_now(self, messages.ExportChat(chat, form))

    def action_inbox(self) -> None:
        """Request that the conversation goes into the inbox; what it brought comes back through `say`."""
        if chat := self.chosen:
            messages.do_now(self, messages.ChatToInbox(chat))

    def action_words(self) -> None:
        """Open and focus the search line."""
        words = self.query_one("#chats-words", Input)
        words.display = True
        words.focus()

    @on(Input.Changed, "#chats-words")
    def _search(self, event: Input.Changed) -> None:
        self._words = event.value
        self._choose()

    @on(Input.Submitted, "#chats-words")
    def _searched(self) -> None:
        self._list.focus()

    def action_back(self) -> None:
        """Close the search line first, then the page."""
        words = self.query_one("#chats-words", Input)
        if words.display:
            words.value = ""
            words.display = False
            self._list.focus()
        else:
            self.dismiss()

    def _choose(self) -> None:
        before = self.chosen
        self._shown = tuple(chat for chat in self._chats or () if chat.contains(self._words))
        paths = [chat.path for chat in self._shown]
        kept = paths.index(before.path) if before is not None and before.path in paths else 0
        self._list.cursor = kept if self._shown else None
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        glyphs, shown = self.glyphs, self._shown
        header = draw_chats_header(len(shown), len(self._chats or ()), self._words, self.size.width, glyphs)
        self.query_one("#chats-header", Lines).set_lines(header)
        if shown:
            width = max(20, self._list.scrollable_content_region.width)
            self._list.set_source(len(shown), lambda at: draw_chat_line(shown[at], width, glyphs))
        else:
            self._list.set_lines([Text().append(f" {self._why_none()}", "dim")])
        self._draw_detail()

    def _why_none(self) -> str:
        if self._chats is None:
            return "reading the conversations"
        return "none of them has this in it" if self._chats else "nothing is stored yet: c talks to a generation"

    def _draw_detail(self) -> None:
        detail, chat = self.query_one("#chats-detail", Lines), self.chosen
        width = max(10, detail.scrollable_content_region.width)
        lines, at = draw_chat(chat, self._words, width, self.glyphs) if chat else ([], 0)
        detail.set_lines(lines)
        detail.scroll_to(y=at, animate=False)
