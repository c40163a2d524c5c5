"""The page that shows two generations side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from engine.core.gen_label import gen_label
from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.render.compared import comparison_of
from luna_tui.console.render.comparison import draw_comparison
from luna_tui.console.screens.page_screen import PageScreen
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane

_KEYS = (("esc", "back"), ("tab", "the other way round"))


class ComparisonPage(Pane):
    """Both generations on one page that can be scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "up", show=False),
        Binding("j", "scroll_down", "down", show=False),
        Binding("tab", "screen.turn_round", "the other way round", show=False),
    ]

    def __init__(self, *, id: str, glyphs: Glyphs) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.pair: tuple[int | None, int | None] = (None, None)

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        known = [
            (state.row(gen), state.manifests.get(gen) if gen is not None else None, gen in state.manifests)
            for gen in self.pair
        ]
        evaluations = [state.evaluations.get(gen_label(gen)) for gen in self.pair]
        return (*self.pair, *known[0], *known[1], *evaluations, state.targets)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines(draw_comparison(comparison_of(state, *self.pair), width - 1, self.glyphs))


class CompareScreen(PageScreen):
    """Recipe, data, scores and answers of both generations; None is the base."""

    DEFAULT_CSS = """
    CompareScreen #comparison-keys { height: 1; overflow: hidden; }
    """

    def __init__(self, one: int | None, other: int | None, glyphs: Glyphs) -> None:
        self._page = ComparisonPage(id="comparison", glyphs=glyphs)
        super().__init__(self._page, _KEYS, glyphs)
        # The older one is on the left, so that differences show what came of it.
        self._page.pair = (
            (one, other) if (-1 if one is None else one) < (-1 if other is None else other) else (other, one)
        )
        self._asked = False

    def take_in(self) -> None:
        state, pair = self.state, self._page.pair
        self._page.border_title = " and ".join("the base" if gen is None else f"G{gen}" for gen in pair)
        if state is None:
            return
        if not self._asked:
            self._asked = True
            self._ask(state)
        self._page.state = state
        self._page.redraw()

    def _ask(self, state: ConsoleState) -> None:
        """Request what is still missing of both generations; of the base nothing is recorded that could be read."""
        for gen in self._page.pair:
            if gen is None:
                continue
            if not isinstance(state.evaluations.get(f"G{gen}"), Mapping):
                self.post_message(messages.NeedEvaluation(gen))
            if gen not in state.manifests:
                self.post_message(messages.NeedDetails(gen))

    def action_turn_round(self) -> None:
        """Exchange the left and the right generation."""
        one, other = self._page.pair
        self._page.pair = (other, one)
        self.take_in()
