"""The evals pane: the scores of the selected generation against their targets."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from luna_tui.console import messages
from luna_tui.console.render.evals_pane import draw_evals, evals_view
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane


class EvalsPanel(Pane):
    """Shows the three gauges; Enter lists every item."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "items", "items", show=False)]

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        run = state.run
        return (
            state.by_gen,
            state.ui.selected,
            state.targets,
            state.evaluations,
            state.manifests,
            state.mode,
            run.scores,
            run.judged,
            run.finished,
            run.progress if run.step == "examine" else None,
            state.job,
        )

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        view = evals_view(state)
        self.border_title = Content(f"Evals {view.title}".strip())
        self.border_subtitle = Content("enter: items" if view.lines and state.ui.selected is not None else "")
        self.set_lines(draw_evals(view, width, height, self.glyphs))

    def action_items(self) -> None:
        """Open the list of items of the selected generation."""
        if self.state is not None and self.state.ui.selected is not None:
            self.post_message(messages.OpenItems(self.state.ui.selected))
