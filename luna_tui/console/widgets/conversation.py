"""The conversation of the chat pane: turns of prompts and answers, one of which the keys apply to."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from luna_tui.common.terminal import UNICODE, Glyphs
from luna_tui.console import messages
from luna_tui.console.clipboard import Copy
from luna_tui.console.render.conversation import ConversationStyle, draw_nothing_said, draw_turn
from luna_tui.console.state.chat_state import ChatAnswer, ChatTurn, as_markdown
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane


class Conversation(Pane):
    """The turns of the chat; it follows the newest line unless the user has scrolled up, and redraws only changed
    turns.
    """

    DEFAULT_CSS = """
    Conversation {
        height: 1fr;
        scrollbar-gutter: stable;
        scrollbar-color: $panel;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose_turn(-1)", "the turn before", show=False),
        Binding("down", "choose_turn(1)", "the turn after", show=False),
        Binding("left", "choose_answer(-1)", "the first answer", show=False),
        Binding("right", "choose_answer(1)", "the second answer", show=False),
        Binding("space", "unfold", "all of a long answer", show=False),
        Binding("y", "copy", "copy the answer", show=False),
        Binding("Y", "copy_all", "copy the conversation", show=False),
    ]

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.remove_class("pane")  # the chat pane around it has the border
        self.answerers = "base"
        self._turn: int | None = None
        self._index = 0
        self._unfolded: frozenset[int] = frozenset()
        self._newest = 0
        self._following = True
        self._drawings: dict[int, tuple[ChatTurn, ConversationStyle, list[Text]]] = {}
        self._places: dict[int, tuple[int, int]] = {}

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        meant = (self._turn, self._index, self.has_focus)
        return (state.chat, bool(state.rows), self.answerers, self._unfolded, *meant)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        turns, width = state.chat.turns, self.scrollable_content_region.width
        if not turns:
            self.set_lines(draw_nothing_said(self.answerers, width, self.glyphs, generations=bool(state.rows)))
            return
        if turns[-1].turn != self._newest:
            self._newest, self._turn, self._index, self._following = turns[-1].turn, None, 0, True
        meant = self.meant()
        lines: list[Text] = []
        drawings: dict[int, tuple[ChatTurn, ConversationStyle, list[Text]]] = {}
        self._places = {}
        for turn in turns:
            chosen = meant[1] if meant and self.has_focus and meant[0].turn == turn.turn else None
            folded = turn is not turns[-1] and turn.turn not in self._unfolded
            look = ConversationStyle(width, self.glyphs, chosen, folded)
            before = self._drawings.get(turn.turn)
            own = before[2] if before and before[0] is turn and before[1] == look else draw_turn(turn, look)
            drawings[turn.turn] = (turn, look, own)
            self._places[turn.turn] = (len(lines), len(lines) + len(own))
            lines += own
        self._drawings = drawings
        self.set_lines(lines[:-1])
        if self._following:
            self.scroll_end(animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = new_value >= self.max_scroll_y

    def meant(self) -> tuple[ChatTurn, int, ChatAnswer] | None:
        """Return the answer that keys apply to: the newest one until the user moves."""
        turns = self._choices()
        turn = next((turn for turn in turns if turn.turn == self._turn), turns[-1] if turns else None)
        if turn is None:
            return None
        index = min(self._index, len(turn.answers) - 1)
        return turn, index, turn.answers[index]

    def action_copy(self) -> None:
        """Copy what is selected with the mouse, or else the chosen answer, to the terminal's clipboard."""
        meant = self.meant()
        selected = self.screen.get_selected_text()
        if selected or meant is not None:
            what = "selection" if selected else "answer"
            self.post_message(Copy(selected or (meant[2].text if meant else ""), what))
        else:
            self.post_message(messages.Tell("there is no answer to copy yet"))

    def action_copy_all(self) -> None:
        """Copy the whole conversation as Markdown to the terminal's clipboard."""
        if turns := self._choices():
            self.post_message(Copy(as_markdown(turns), "conversation"))
        else:
            self.post_message(messages.Tell("there is no conversation to copy yet"))

    def action_choose_turn(self, step: int) -> None:
        """Move to the previous or next turn."""
        turns, meant = self._choices(), self.meant()
        if meant is None:
            return
        place = turns.index(meant[0]) + step
        if place < 0:
            self.scroll_home(animate=False)
        elif place >= len(turns) - 1:
            self._turn, self._following = None, True
            self.redraw(force=True)
        else:
            self._turn = turns[place].turn
            self._following = False
            self.redraw()
            first, after = self._places[turns[place].turn]
            self.bring_into_sight(after - 1)
            self.bring_into_sight(first)

    def action_choose_answer(self, step: int) -> None:
        """Move to the answer beside the current one."""
        meant = self.meant()
        if meant is not None:
            self._index = min(max(0, meant[1] + step), len(meant[0].answers) - 1)
            self.redraw()

    def action_unfold(self) -> None:
        """Expand or fold a long answer of an earlier turn."""
        meant = self.meant()
        if meant is not None:
            self._unfolded ^= {meant[0].turn}
            self.redraw()

    def _choices(self) -> tuple[ChatTurn, ...]:
        turns = self.state.chat.turns if self.state else ()
        return tuple(turn for turn in turns if turn.kind == "chat" and turn.answers)
