"""The forgetting matrix of one line: the heat map, its findings in words, and a key that fills the missing cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.console import messages
from luna_tui.console.render.matrix_page import columns_in, draw_findings, draw_heading, draw_rows
from luna_tui.console.render.status import draw_job
from luna_tui.console.screens.page_screen import key_line
from luna_tui.console.state.console_state import ConsoleState, JobView
from luna_tui.console.state.events import Noted
from luna_tui.console.widgets.lines import Lines

_UNSEEN = object()
_LEVELS = {"error": "bad", "warning": "warn"}


class MatrixMap(Lines, can_focus=True, inherit_bindings=False):
    """The map and the text below it; arrow keys scroll, sideways by whole exams."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("pagedown", "page_down", "page down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("home", "scroll_home", "top", show=False),
        Binding("end", "scroll_end", "bottom", show=False),
        Binding("right", "screen.shift(1)", "later exams", show=False),
        Binding("left", "screen.shift(-1)", "earlier exams", show=False),
    ]


class MatrixScreen(Screen[None]):
    """Shows the forgetting matrix with the models down and the exams across."""

    DEFAULT_CSS = """
    MatrixScreen #matrix-head { height: 4; padding: 0 1; overflow: hidden; scrollbar-gutter: auto; }
    MatrixScreen #matrix-map { padding: 0 1; }
    MatrixScreen #matrix-keys { height: 1; overflow: hidden; scrollbar-gutter: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("f", "fill", "fill", show=False),
    ]

    def __init__(self, gen: int, glyphs: Glyphs) -> None:
        super().__init__()
        self.gen, self.glyphs = gen, glyphs
        self._found: Mapping[str, Any] | str | None = None
        self._job: JobView | None = None
        self._first: int | None = None
        self._notice: Noted | None = None
        self._before: object = _UNSEEN  # notices from before the page was opened are not shown here

    def compose(self) -> ComposeResult:
        yield Lines(id="matrix-head")
        yield MatrixMap(id="matrix-map")
        yield Lines(id="matrix-keys")

    def on_mount(self) -> None:
        """Focus the map and request the matrix; one that was read before may have more cells by now."""
        self.query_one("#matrix-map").focus()
        self.post_message(messages.NeedMatrix(self.gen))
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw again with as many exams as fit."""
        self.call_after_refresh(self._draw)

    def show(self, state: ConsoleState) -> None:
        """Show the matrix once it is loaded, and again for every cell that is filled."""
        found = state.matrices.get(f"G{self.gen}")
        if self._before is _UNSEEN:
            self._before = state.notice
        notice = None if state.notice is self._before else state.notice
        if state.job is not self._job or found is not self._found or notice is not self._notice:
            self._job, self._found, self._notice = state.job, found, notice
            self._draw()

    @property
    def _matrix(self) -> Mapping[str, Any] | None:
        """The matrix, None while there is nothing to draw."""
        return self._found if isinstance(self._found, Mapping) and self._found["exams"] else None

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        matrix, width = self._matrix, max(20, self.query_one("#matrix-map", Lines).scrollable_content_region.width)
        title = Text().append("Forgetting matrix", "title").append(f"  the line to G{self.gen}", "dim")
        if matrix is None:
            self.query_one("#matrix-head", Lines).set_lines([title, self._news()])
            self.query_one("#matrix-map", Lines).set_lines([self._nothing()])
        else:
            count, fit = len(matrix["exams"]), columns_in(matrix, width)
            first = self._from(matrix)
            if count > fit:
                shown = f", exams {first + 1} to {min(count, first + fit)} of {count}"
                title.append(shown, "dim")
            heading = draw_heading(matrix, width, first, self.glyphs)
            self.query_one("#matrix-head", Lines).set_lines([self._readable(title), self._news(), *heading])
            rows = draw_rows(matrix, width, first, self.glyphs)
            words = draw_findings(matrix, width, self.glyphs, "f asks for them")
            self.query_one("#matrix-map", Lines).set_lines([self._readable(line) for line in (*rows, Text(), *words)])
        self._draw_keys()

    def _readable(self, line: Text) -> Text:
        return in_ascii(line) if self.glyphs is ASCII else line

    def _news(self) -> Text:
        """Return the notice since the page was opened: why nothing is filled, or how the filling ended."""
        if self._notice is None:
            return Text()
        return self._readable(Text(safe_line(self._notice.text), _LEVELS.get(self._notice.level, "dim")))

    def _nothing(self) -> Text:
        if isinstance(self._found, str):
            return Text(safe_line(self._found), "bad")
        if self._found is None:
            return Text("reading the matrix", "dim")
        return Text("no generation of this line has an exam here", "dim")

    def _draw_keys(self) -> None:
        matrix = self._matrix
        if self._job is not None:
            stop = "   esc stops it" if self._job.job == "matrix" else ""
            line = Text(" ").append_text(draw_job(self._job, self.size.width - 1 - len(stop), self.glyphs))
            line.append(stop, "dim")
        else:
            keys = [("esc", "back")]
            if matrix is not None and matrix["missing"]:
                keys.append(("f", "fill the missing cells"))
            if matrix is not None and len(matrix["exams"]) > columns_in(matrix, self.size.width - 3):
                keys.append(("left right", "other exams"))
            line = key_line(keys, self.glyphs)
        self.query_one("#matrix-keys", Lines).set_lines([line])

    def _from(self, matrix: Mapping[str, Any]) -> int:
        """Return the first exam shown: where not all fit the latest are shown, until the user scrolls."""
        width = max(20, self.query_one("#matrix-map", Lines).scrollable_content_region.width)
        most = max(0, len(matrix["exams"]) - columns_in(matrix, width))
        return most if self._first is None else min(most, max(0, self._first))

    def action_shift(self, by: int) -> None:
        """Scroll to earlier or later exams."""
        if (matrix := self._matrix) is not None:
            self._first = self._from(matrix) + by
            self._first = self._from(matrix)
            self._draw()

    def action_fill(self) -> None:
        """Compute the cells that are missing."""
        matrix = self._matrix
        if matrix is not None and matrix["missing"]:
            self.post_message(messages.FillMatrix(self.gen))
        elif matrix is not None:
            self.post_message(messages.Tell("every cell that can be asked for is known", "info"))

    def action_back(self) -> None:
        """Cancel the filling in progress first, then leave."""
        if self._job is not None and self._job.job == "matrix":
            self.post_message(messages.Act("cancel_job"))
        else:
            self.dismiss()
