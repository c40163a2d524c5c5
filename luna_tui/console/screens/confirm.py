"""A dialog with a yes-or-no question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.widgets.choices import Choice, Choices
from luna_tui.console.widgets.fields import Words


class Confirm(ModalScreen[bool]):
    """Confirms an action that moves HEAD, overwrites or deletes; a dangerous answer is not the preselected one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", show=False)]
    CSS = """
    Confirm Words { margin: 1 0; }
    Confirm Choices { margin-bottom: 1; }
    Confirm .-danger { border: round $warning; }
    Confirm.-ascii .-danger { border: ascii $warning; }
    """

    def __init__(self, title: str, lines: Sequence[str], yes: str, *, danger: bool = False) -> None:
        super().__init__()
        self._title, self._lines, self._yes, self._danger = title, lines, yes, danger

    def compose(self) -> ComposeResult:
        glyphs = ASCII if self.app.has_class("-ascii") else UNICODE
        self.set_class(glyphs is ASCII, "-ascii")
        choices = (Choice("y", safe_line(self._yes)), Choice("n", "cancel"))
        with Vertical(classes="dialog -danger" if self._danger else "dialog") as dialog:
            dialog.border_title = Content(safe_line(self._title))
            yield Words(*(Text().append(safe_line(line)) for line in self._lines))
            yield Choices(choices, at=1 if self._danger else 0, glyphs=glyphs)

    @on(Choices.Chosen)
    def _answer(self, event: Choices.Chosen) -> None:
        self.dismiss(event.index == 0)
