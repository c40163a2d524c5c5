"""A list of choices of which the user takes one; the dialogs are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from luna_tui.common.terminal import UNICODE, Glyphs
from luna_tui.console.widgets.fields import folded
from luna_tui.console.widgets.lines import Lines

# More choices than these have empty lines between them only in a terminal of so many rows.
_FEW, _MANY_ROWS = 3, 30


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: any character of `keys` takes it at once; the first of them is shown."""

    keys: str
    label: str
    detail: str = ""


class Choices(Lines, can_focus=True):
    """A list from which one choice is taken, with the arrow keys and Enter or by the choice's own key."""

    DEFAULT_CSS = "Choices { height: auto; overflow: hidden; scrollbar-gutter: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("home", "move(-99)", show=False),
        Binding("end", "move(99)", show=False),
        Binding("enter,space", "take", show=False),
    ]

    index: reactive[int] = reactive(0, repaint=False, init=False)

    @dataclass
    class Moved(Message):
        """The pointer has moved to another choice."""

        index: int

    @dataclass
    class Chosen(Message):
        """The user has taken this choice."""

        index: int

    def __init__(
        self,
        choices: Sequence[Choice],
        *,
        at: int = 0,
        glyphs: Glyphs = UNICODE,
        roomy: bool = False,
        id: str = "choices",
    ) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.glyphs = glyphs
        self._roomy = roomy
        self._owners: list[int] = []
        self.set_reactive(Choices.index, at)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width)[0])

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the details again for the new width."""
        self.redraw()

    def watch_index(self, before: int, now: int) -> None:
        """Redraw the pointer and report the move."""
        self.redraw()
        self.post_message(self.Moved(now))

    def redraw(self) -> None:
        """Draw the choices with the pointer at the current one."""
        lines, self._owners = self._lines(self.size.width)
        self.set_lines(lines)

    def _lines(self, width: int) -> tuple[list[Text], list[int]]:
        lines: list[Text] = []
        owners: list[int] = []
        beside = not self._roomy and all(len(choice.label + choice.detail) + 7 <= width for choice in self.choices)
        apart = self._roomy and (len(self.choices) <= _FEW or self.app.size.height >= _MANY_ROWS)
        for number, choice in enumerate(self.choices):
            here = number == self.index
            first = Text().append(f"{self.glyphs.running} " if here else "  ", "run")
            if choice.keys:
                first.append(f"{choice.keys[0]}  ", "key")
            first.append(choice.label, "head" if here else "bold")
            indent = " " * (5 if choice.keys else 2)
            details = folded([Text().append(choice.detail, "dim")], width - len(indent)) if choice.detail else []
            if beside:
                wanted = [first.append("  ").append(choice.detail, "dim")]
            else:
                wanted = [first, *(Text().append(indent).append_text(line) for line in details)]
            if apart and number:
                wanted.insert(0, Text())
            lines.extend(wanted)
            owners.extend([-1 if not line.plain else number for line in wanted])
        return lines, owners

    def action_move(self, by: int) -> None:
        """Move the pointer to another choice."""
        self.index = min(max(0, self.index + by), len(self.choices) - 1)

    def action_take(self) -> None:
        """Take the choice at the pointer."""
        self.post_message(self.Chosen(self.index))

    def on_key(self, event: events.Key) -> None:
        """Take the choice whose own key was pressed."""
        for number, choice in enumerate(self.choices):
            if event.character is not None and event.character in choice.keys:
                event.stop()
                self.index = number
                self.action_take()
                return

    def on_click(self, event: events.Click) -> None:
        """Move the pointer with the first click, take the choice with the second."""
        line = event.y + self.scroll_offset.y
        owner = self._owners[line] if line < len(self._owners) else -1
        if owner == self.index:
            self.action_take()
        elif owner >= 0:
            self.index = owner
