"""The actions that change only the view: the forgetting matrix, scale and window of the loss, full size, theme, a
screenshot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from luna_tui.console.host import Host
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import Noted
from luna_tui.console.themes import THEMES
from luna_tui.console.widgets.loss_panel import loss_view, moved_window
from luna_tui.console.workers.link import Link


class ViewActions:
    """The base of the controller: the state, notices to the user, and the actions on the view."""

    def __init__(self, stage: Host, link: Link) -> None:
        self._stage = stage
        self._link = link

    @property
    def state(self) -> ConsoleState:
        """The state that is shown now."""
        return self._stage.state

    def tell(self, text: str, level: str = "info", hint: str = "") -> None:
        """Show a notice in the line above the keys, and in the log."""
        self._stage.change(reduce(self.state, Noted(level, text, hint)))

    def _ui(self, **changes: Any) -> None:
        self._stage.change(replace(self.state, ui=replace(self.state.ui, **changes)))

    def _dashboard(self) -> Dashboard:
        """Close every page above the dashboard, and return the dashboard."""
        while not isinstance(self._stage.screen, Dashboard):
            self._stage.pop_screen()
        return self._stage.screen

    def _refresh(self) -> None:
        # A pushed screen must be composed before it can show anything.
        self._stage.call_later(lambda: self._stage.change(self.state))

    def do_matrix(self) -> None:
        """Open the forgetting matrix of the line to the selected generation."""
        from luna_tui.console.screens.matrix import MatrixScreen

        gen = self.state.ui.selected
        if gen is not None and not isinstance(self._stage.screen, MatrixScreen):
            self._stage.push_screen(MatrixScreen(gen, self._stage.glyphs))
            self._refresh()

    def do_log_scale(self) -> None:
        """Switch the loss axis between linear and logarithmic."""
        self._ui(log_scale=not self.state.ui.log_scale)

    def do_raw(self) -> None:
        """Show or hide the raw loss."""
        self._ui(show_raw=not self.state.ui.show_raw)

    def do_zoom_in(self) -> None:
        """Show half as many steps."""
        self._zoom(0.5, 0)

    def do_zoom_out(self) -> None:
        """Show twice as many steps."""
        self._zoom(2.0, 0)

    def do_pan_left(self) -> None:
        """Move the window of steps a quarter of its width to the left."""
        self._zoom(1.0, -1)

    def do_pan_right(self) -> None:
        """Move the window of steps a quarter of its width to the right."""
        self._zoom(1.0, 1)

    def _zoom(self, factor: float, move: int) -> None:
        view = loss_view(self.state)
        self._ui(window=moved_window(view.window, max(1, view.total or view.curve.total), factor, move))

    def do_full(self) -> None:
        """Switch between the active pane alone and all panes."""
        self._dashboard().toggle_full()

    def do_theme(self) -> None:
        """Switch to the next theme."""
        names = [theme.name for theme in THEMES]
        here = names.index(self._stage.theme) if self._stage.theme in names else -1
        self._stage.theme = names[(here + 1) % len(names)]
        self.tell(f"theme: {self._stage.theme}")

    def do_screenshot(self) -> None:
        """Save the screen as SVG in the workspace's pictures folder."""
        directory = self._link.root / "pictures"
        try:
            directory.mkdir(exist_ok=True)
            saved = self._stage.save_screenshot(path=str(directory))
        except OSError as error:
            self.tell(f"no picture was saved: {error.strerror or error}", "error", f"look at {directory}")
            return
        self.tell(f"saved {Path(saved).relative_to(self._link.root)}")
