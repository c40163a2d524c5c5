"""The page of one generation, and the key line that pages share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.render.generation_page import draw_generation, generation_view
from luna_tui.console.screens.page_screen import PageScreen
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane

_KEYS = (("esc", "back"), ("[ ]", "the one before, after"), ("i", "items"), ("c", "chat"))


class GenerationPage(Pane):
    """Everything known of one generation, on a page that can be scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "up", show=False),
        Binding("j", "scroll_down", "down", show=False),
        Binding("left,left_square_bracket", "screen.step(-1)", "before", show=False),
        Binding("right,right_square_bracket", "screen.step(1)", "after", show=False),
    ]

    def __init__(self, gen: int, *, id: str, glyphs: Glyphs) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.gen = gen

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        row = state.row(self.gen)
        parent = (row or {}).get("parent_gen")
        evaluation = state.evaluations.get(f"G{self.gen}")
        known = state.manifests
        manifests = (known.get(self.gen), self.gen in known, None if parent is None else known.get(parent))
        return (self.gen, row, state.row(parent), state.head, state.targets, evaluation, *manifests)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines(draw_generation(generation_view(state, self.gen), width - 1, self.glyphs))


class GenerationScreen(PageScreen):
    """Shows a generation's recipe, data, scores, files, and differences from its parent."""

    DEFAULT_CSS = """
    GenerationScreen #generation-keys { height: 1; overflow: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "items", "items", show=False),
        Binding("c", "chat", "chat", show=False),
    ]

    def __init__(self, gen: int, glyphs: Glyphs) -> None:
        self._page = GenerationPage(gen, id="generation", glyphs=glyphs)
        super().__init__(self._page, _KEYS, glyphs)
        self.gen = gen
        self._asked: set[tuple[str, int]] = set()

    def take_in(self) -> None:
        state, gen = self.state, self.gen
        self._page.border_title = f"Generation G{gen}"
        if state is None:
            return
        if not isinstance(state.evaluations.get(f"G{gen}"), Mapping):
            self._need("evaluation", gen)
        parent = (state.row(gen) or {}).get("parent_gen")
        for one in (gen, parent):
            if one is not None and one not in state.manifests:
                self._need("details", one)
        self._page.gen = gen
        self._page.state = state
        self._page.redraw()

    def _need(self, what: str, gen: int) -> None:
        """Request an evaluation or a manifest, at most once per generation."""
        if (what, gen) not in self._asked:
            self._asked.add((what, gen))
            self.post_message(messages.NeedEvaluation(gen) if what == "evaluation" else messages.NeedDetails(gen))

    def action_step(self, by: int) -> None:
        """Go to the previous or next generation, and select it everywhere."""
        gens = [int(row["GEN_ID"]) for row in self.state.rows or ()] if self.state else []
        at = gens.index(self.gen) + by if self.gen in gens else -1
        if 0 <= at < len(gens):
            self.gen = gens[at]
            self._page.scroll_to(y=0, animate=False)
            messages.do_now(self, messages.Select(self.gen))
            self.take_in()

    def action_items(self) -> None:
        """Open the list of every item of this generation."""
        self.post_message(messages.OpenItems(self.gen))

    def action_chat(self) -> None:
        """Select this generation and open the chat."""
        messages.do_now(self, messages.Select(self.gen))
        self.app.pop_screen()
        self.app.post_message(messages.Act("chat"))
