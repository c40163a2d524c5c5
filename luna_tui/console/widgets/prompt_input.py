"""Where raw prompts are written: what is typed or pasted goes to the model as it is, and is shown without harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from luna_tui.common.safe_text import safe_text
from luna_tui.common.terminal import ASCII, UNICODE, Glyphs, ascii_text
from luna_tui.console import messages

_HISTORY = 200
_PASTE = 200_000


class RawTextArea(TextArea):
    """A text area whose text is kept as it came while every character that could steer a terminal or hide is drawn as
    one visible sign.
    """

    def __init__(
        self, text: str = "", *, id: str | None = None, glyphs: Glyphs = UNICODE, placeholder: str = ""
    ) -> None:
        super().__init__(
            text,
            id=id,
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder=Content(placeholder),
        )
        self.glyphs = glyphs
        self.cursor_blink = False

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        return Text("".join([one_sign(character, self.glyphs) for character in line]), end="", no_wrap=True)


class PromptInput(RawTextArea):
    """Enter sends, ctrl+j makes a new line; up and down at its ends bring back earlier prompts."""

    DEFAULT_CSS = """
    PromptInput, PromptInput:focus { height: auto; max-height: 4; width: 1fr; border: none; padding: 0; }
    PromptInput { background: $background; scrollbar-size-vertical: 1; }
    PromptInput:focus { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+enter,ctrl+j,alt+enter", "new_line", "new line", show=False),
        Binding("escape", "leave", "leave", show=False),
    ]

    @dataclass
    class Sent(Message):
        """The person wants this raw prompt to be answered; whoever sends it clears the input."""

        prompt: str

    @dataclass
    class Left(Message):
        """The person wants the keys back."""

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE, placeholder: str = "") -> None:
        super().__init__(id=id, glyphs=glyphs, placeholder=placeholder)
        self._history: list[str] = []
        self._place = 0
        self._draft = ""

    def remember(self, prompt: str) -> None:
        """Put a prompt that was sent behind the up arrow, and empty the input for the next one."""
        if not self._history or self._history[-1] != prompt:
            self._history = [*self._history, prompt][-_HISTORY:]
        self._place, self._draft = len(self._history), ""
        self.load_text("")

    def action_new_line(self) -> None:
        """A new line in the prompt."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Give the keys back."""
        self.post_message(self.Left())

    def action_cursor_up(self, select: bool = False) -> None:
        """The line above, or the prompt before."""
        if not select and self.navigator.is_first_wrapped_line(self.cursor_location):
            self._recall(-1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """The line below, or the prompt after."""
        if not select and self.navigator.is_last_wrapped_line(self.cursor_location):
            self._recall(1)
        else:
            super().action_cursor_down(select)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Sent(self.text))

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        if len(event.text) > _PASTE:
            event.prevent_default()
            self.post_message(messages.Tell(f"a paste of {len(event.text)} characters is longer than any prompt"))

    def _recall(self, step: int) -> None:
        place = self._place + step
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self.load_text(self._history[place] if place < len(self._history) else self._draft)
        self.move_cursor(self.document.end if step < 0 else (0, len(self.document.get_line(0))))


def one_sign(character: str, glyphs: Glyphs) -> str:
    """One visible character for any character: itself, the picture of a control character, or `�`."""
    shown = safe_text(character)
    if len(shown) > 1:
        shown = "\ufffd"
    return ascii_text(shown) if glyphs is ASCII else shown
