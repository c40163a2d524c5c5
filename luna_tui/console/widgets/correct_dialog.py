"""The dialog in which the user writes what an answer should have been."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from luna_tui.common.safe_text import safe_text
from luna_tui.common.terminal import Glyphs
from luna_tui.console.render.conversation import fold, shown_line, shown_text
from luna_tui.console.widgets.prompt_input import RawTextArea

_PROMPT_LINES = 4


class CorrectAnswer(ModalScreen[str | None]):
    """Returns the text that the prompt should have been answered with, or None."""

    DEFAULT_CSS = """
    CorrectAnswer .dialog { padding: 1 2; }
    CorrectAnswer .dialog Static { height: auto; }
    CorrectAnswer #prompt-shown { color: $foreground 70%; margin-bottom: 1; }
    CorrectAnswer RawTextArea, CorrectAnswer RawTextArea:focus {
        height: auto; min-height: 3; max-height: 10; border: none; padding: 0 1; background: $panel;
    }
    CorrectAnswer #correct-hint { margin-top: 1; color: $foreground 70%; }
    CorrectAnswer #correct-hint.-refused { color: $warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "save", "save", show=False, priority=True),
        Binding("escape", "cancel", "cancel", show=False, priority=True),
    ]

    def __init__(self, prompt: str, answer: str, label: str, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self._prompt, self._label = prompt, label
        # A correction becomes a training example: characters that are invisible or control a terminal are removed from
        # it.
        self._before = "".join([c for c in answer if safe_text(c) == c]).strip()

    def compose(self) -> ComposeResult:
        folded = fold(shown_text(self._prompt, self.glyphs), 60)
        prompt = "\n".join([*folded[:_PROMPT_LINES], *([self.glyphs.ellipsis] if len(folded) > _PROMPT_LINES else [])])
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"What should {shown_line(self._label, self.glyphs)} have said?")
            yield Static(Content(prompt), id="prompt-shown", markup=False)
            yield RawTextArea(self._before, id="correction", glyphs=self.glyphs)
            yield Static(self._hint(), id="correct-hint", markup=False)

    def on_mount(self) -> None:
        """Put the cursor at the end of the answer."""
        area = self.query_one(RawTextArea)
        area.move_cursor(area.document.end)
        area.focus()

    def action_save(self) -> None:
        """Return the text if it is not empty and differs from the answer."""
        text = self.query_one(RawTextArea).text.strip()
        if not text:
            self._refuse("nothing is written yet: an empty answer teaches nothing")
        elif text == self._before:
            self._refuse("this is what it said: change it, or leave with escape and press + for good")
        else:
            self.dismiss(text)

    def action_cancel(self) -> None:
        """Close the dialog and leave the answer as it is."""
        self.dismiss(None)

    def _refuse(self, why: str) -> None:
        hint = self.query_one("#correct-hint", Static)
        hint.add_class("-refused")
        hint.update(Content(why))

    def _hint(self) -> Content:
        dot = self.glyphs.dot
        return Content.from_rich_text(
            Text()
            .append("ctrl+s", "bold")
            .append(f" into the inbox, for the next generation {dot} ")
            .append("esc", "bold")
            .append(" leaves it")
        )
