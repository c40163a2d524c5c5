"""The input for raw prompts: typed or pasted text goes to the model unchanged, and is displayed safely."""

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
    """A text area that keeps its text unchanged while every invisible or terminal-controlling character is drawn as one
    visible one.
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
    """The prompt input: Enter sends, ctrl+j inserts a newline; up and down at its ends recall earlier prompts."""

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
        """The user has sent this raw prompt; the receiver clears the input with `remember`."""

        prompt: str

    @dataclass
    class Left(Message):
        """The user wants to leave the input."""

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE, placeholder: str = "") -> None:
        super().__init__(id=id, glyphs=glyphs, placeholder=placeholder)
        self._history: list[str] = []
        self._place = 0
        self._draft = ""

    def remember(self, prompt: str) -> None:
        """Add a sent prompt to the history behind the up arrow, and clear the input."""
        if not self._history or self._history[-1] != prompt:
            self._history = [*self._history, prompt][-_HISTORY:]
        self._place, self._draft = len(self._history), ""
        self.load_text("")

    def action_new_line(self) -> None:
        """Insert a newline into the prompt."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Post the message that moves the focus out of the input."""
        self.post_message(self.Left())

    def action_cursor_up(self, select: bool = False) -> None:
        """Move to the line above, or recall the previous prompt."""
        if not select and self.navigator.is_first_wrapped_line(self.cursor_location):
            self._recall(-1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move to the line below, or recall the next prompt."""
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
    """Return one visible character for any character: itself, the picture of a control character, or `�`."""
    shown = safe_text(character)
    if len(shown) > 1:
        shown = "\ufffd"
    return ascii_text(shown) if glyphs is ASCII else shown
