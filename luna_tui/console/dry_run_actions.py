"""The dry run of the training form: its page is opened, and given what the engine decided."""

from __future__ import annotations

from engine.pipeline.request import TrainRequest
from luna_tui.console.chat_actions import ChatActions
from luna_tui.console.state.events import PreviewLoaded


class DryRunActions(ChatActions):
    """Opens the page above the form; the link decides in the engine's thread."""

    def open_dry_run(self, request: TrainRequest) -> None:
        """Open the page of a training that is only looked at, and request what it shows."""
        from luna_tui.console.screens.dry_run import DryRunScreen

        self._stage.push_screen(DryRunScreen(request, self._stage.glyphs))
        self._link.preview(request)

    def heed_preview(self, event: PreviewLoaded) -> None:
        """Show what was decided, if its page is still open."""
        from luna_tui.console.screens.dry_run import DryRunScreen

        page = self._stage.screen
        if isinstance(page, DryRunScreen) and page.request == event.request:
            page.take(event)
