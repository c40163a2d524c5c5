"""A widget of ready-drawn lines that repaints only the lines that changed: over SSH every repainted line costs
bandwidth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.console import Console
from rich.style import Style
from rich.text import Text
from rich.theme import Theme
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from luna_tui.common.safe_text import safe_line
from luna_tui.console.themes import line_styles


class Lines(ScrollView):
    """Shows lines of text whose styles are luna's style names; `cursor` marks one of them."""

    DEFAULT_CSS = """
    Lines { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor"}

    cursor: reactive[int | None] = reactive(None, repaint=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.painting = False  # while true, the whole widget is being painted: no single line need be requested
        self._count = 0
        self._line: Callable[[int], Text] = _nothing
        self._shown: dict[int, Text] = {}
        self._brush: Console | None = None
        self._styled_for = ""

    def set_lines(self, lines: Sequence[Text]) -> None:
        """Show these lines; only those that differ from what is shown are repainted."""
        fixed = tuple(lines)
        self.set_source(len(fixed), fixed.__getitem__)

    def set_source(self, count: int, line: Callable[[int], Text]) -> None:
        """Show `count` lines made on demand: only visible ones are ever drawn."""
        self._count, self._line = count, line
        size = Size(max(1, self.scrollable_content_region.width), count)
        if size != self.virtual_size:
            self.virtual_size = size
        if self.painting:
            return
        top = self.scroll_offset.y
        for index in range(top, top + max(1, self.size.height)):
            before = self._shown.get(index)
            now = line(index) if index < count else None
            if now is None and before is None:
                continue
            if (
                now is None
                or before is None
                or now.plain != before.plain
                or now.spans != before.spans
                or now.style != before.style
            ):
                self.refresh_line(index)
        if len(self._shown) > 4 * max(32, self.size.height):
            self._shown.clear()

    def watch_cursor(self, before: int | None, now: int | None) -> None:
        """Repaint the old and the new cursor line, and keep the cursor visible."""
        for index in (before, now):
            if index is not None:
                self.refresh_line(index)
        if now is not None:
            self.bring_into_sight(now)

    def bring_into_sight(self, index: int) -> None:
        """Scroll as little as needed to make a line visible."""
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if index < top:
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False, force=True)

    def notify_style_update(self) -> None:
        """Discard the lines that were drawn in the old colours."""
        super().notify_style_update()
        self._shown.clear()

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width, base = self.size.width, self.rich_style
        if index >= self._count:
            self._shown.pop(index, None)
            return Strip.blank(width, base)
        text = self._line(index)
        self._shown[index] = text
        if index == self.cursor:
            base += self._cursor_style()
        brush = self._painter()
        shown = text if text.plain.isprintable() else Text(safe_line(text.plain))
        if shown.style and not shown.spans:
            shown = Text().append(shown.plain, shown.style)  # Rich drops the style of a text without spans
        strip = Strip(shown.render(brush, end="")).adjust_cell_length(width, Style.null())
        return strip.apply_style(base)

    def _cursor_style(self) -> Style:
        """Return the cursor's style, its background blended here: a style for a strip of text has no transparency."""
        if self.app.current_theme.ansi:
            return Style(reverse=True)
        under, over = self.background_colors[1], self.get_component_styles("lines--cursor").background
        return Style(bgcolor=(under + over).rich_color)

    def _painter(self) -> Console:
        """Return a Rich console that resolves luna's style names to the theme's colours."""
        theme = self.app.theme
        if self._brush is None or self._styled_for != theme:
            self._styled_for = theme
            styles = line_styles(self.app.current_theme)
            self._brush = Console(theme=Theme(styles, inherit=False), markup=False, highlight=False, emoji=False)
        return self._brush


def _nothing(_index: int) -> Text:
    return Text()
