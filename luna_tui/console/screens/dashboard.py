"""The dashboard: the panes, laid out for the size of the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from luna_tui.common.terminal import Glyphs
from luna_tui.console.state.actions import PANES
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.chat_panel import ChatPanel
from luna_tui.console.widgets.evals_panel import EvalsPanel
from luna_tui.console.widgets.frame import KeyLine, NoticeLine, StatusLine, Tabs
from luna_tui.console.widgets.lineage_panel import LineagePanel
from luna_tui.console.widgets.log_panel import LogPanel
from luna_tui.console.widgets.loss_panel import LossPanel
from luna_tui.console.widgets.machine_panel import MachinePanel
from luna_tui.console.widgets.pane import Pane

# Columns of panes by the minimum size that fits them: (width, height, columns), the widest first.
LAYOUTS: tuple[tuple[int, int, tuple[tuple[str, ...], ...]], ...] = (
    (150, 36, (("lineage", "evals"), ("loss", "chat"), ("machine", "log"))),
    (100, 30, (("lineage", "evals"), ("loss", "chat"))),
    (0, 0, ()),
)
_COLUMNS = ("left", "middle", "right")
_Part = TypeVar("_Part", bound=Pane | LineagePanel | ChatPanel)


class Dashboard(Screen[None]):
    """Shows all panes side by side where they fit, else one at a time."""

    def __init__(self, glyphs: Glyphs, state: ConsoleState | None = None) -> None:
        super().__init__()
        self.glyphs = glyphs
        self._first = state
        self.active = "lineage"
        self.full = False
        self._ready = False

    def compose(self) -> ComposeResult:
        glyphs, titles = self.glyphs, dict(PANES)
        self._classify(self.app.size)  # before there are panes: a class that changes later would style them all again
        yield self._given(StatusLine(id="status", glyphs=glyphs))
        yield self._given(Tabs(id="tabs", glyphs=glyphs))
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield self._given(LineagePanel(id="lineage", title=titles["lineage"], glyphs=glyphs))
                yield self._given(EvalsPanel(id="evals", title=titles["evals"], glyphs=glyphs))
            with Vertical(id="middle"):
                yield self._given(LossPanel(id="loss", title=titles["loss"], glyphs=glyphs))
                yield self._given(ChatPanel(id="chat", title=titles["chat"], glyphs=glyphs))
            with Vertical(id="right"):
                yield self._given(MachinePanel(id="machine", title=titles["machine"], glyphs=glyphs))
                yield self._given(LogPanel(id="log", title=titles["log"], glyphs=glyphs))
        yield self._given(NoticeLine(id="notice", glyphs=glyphs))
        yield self._given(KeyLine(id="keys", glyphs=glyphs))

    def _given(self, part: _Part) -> _Part:
        """Return the part with the known state set, so that its first paint already shows it."""
        part.set_reactive(type(part).state, self._first)
        return part

    def on_mount(self) -> None:
        """Lay out the panes and focus the lineage."""
        self._arrange()
        self.query_one("#lineage").focus()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the panes out again for the new size."""
        self._arrange()

    @property
    def ready(self) -> bool:
        """Whether every pane is mounted with all its parts, so that it can receive a state."""
        if not self._ready:
            parts = list(self.query("*"))
            self._ready = bool(parts) and all(part.is_mounted for part in parts)
        return self._ready

    def stateful(self) -> Iterator[Widget]:
        """Yield every widget that shows the state."""
        yield from self.query("#status, #tabs, .pane, #notice, #keys")

    def show(self, state: ConsoleState, *, only: str | None = None) -> None:
        """Pass the state to every widget that shows it, or to one pane only."""
        for widget in self.stateful() if only is None else self.query(f"#{only}"):
            widget.state = state  # pyright: ignore[reportAttributeAccessIssue]

    def shows(self, pane: str) -> bool:
        """Return whether a pane is displayed."""
        return bool(self.query_one(f"#{pane}").display)

    def go_to(self, pane: str) -> None:
        """Bring a pane to the screen and focus it."""
        self.active = pane
        self._arrange()
        target = self.query_one(f"#{pane}")
        (target.focus_log() if isinstance(target, ChatPanel) else target.focus())

    def toggle_full(self) -> None:
        """Switch between the active pane alone and all panes that fit."""
        self.full = not self.full
        self._arrange()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Make the pane that contains the focused widget the active one."""
        for pane, _ in PANES:
            if event.widget.id == pane or any(parent.id == pane for parent in event.widget.ancestors):
                self.active = pane
        self._mark_tab()

    def _arrange(self) -> None:
        columns = self._columns(self.size)
        shown = {pane for column in columns for pane in column}
        for pane, _ in PANES:
            self.query_one(f"#{pane}").display = pane in shown
        for index, name in enumerate(_COLUMNS):
            self.query_one(f"#{name}").display = index < len(columns) and bool(columns[index])
        self._classify(self.size)
        self._mark_tab()

    def _columns(self, size: Size) -> tuple[tuple[str, ...], ...]:
        columns = next(c for w, h, c in LAYOUTS if size.width >= w and size.height >= h)
        if self.full or not columns or not any(self.active in column for column in columns):
            return tuple((self.active,) if self._column_of(self.active) == name else () for name in _COLUMNS)
        return columns

    def _classify(self, size: Size) -> None:
        self.set_class(sum(map(len, self._columns(size))) == 1, "-one")
        self.set_class(size.width < 100, "-narrow")
        self.set_class(size.width < 140, "-two-key-lines")

    def _column_of(self, pane: str) -> str:
        return {"lineage": "left", "evals": "left", "loss": "middle", "chat": "middle"}.get(pane, "right")

    def _mark_tab(self) -> None:
        tabs = self.query_one(Tabs)
        tabs.active, tabs.shown = self.active, tuple(pane for pane, _ in PANES)
        tabs.redraw()
