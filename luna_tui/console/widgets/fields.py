"""The parts of forms: wrapped text, a note beside a field, a choice among a few words, a labelled field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Label

from luna_tui.common.terminal import UNICODE, Glyphs
from luna_tui.console.widgets.lines import Lines

_FOLDER = Console(width=80, markup=False, highlight=False, emoji=False)


def folded(texts: Sequence[Text], width: int) -> list[Text]:
    """Return the texts wrapped at words, no line wider than `width` cells; an empty text becomes an empty line."""
    lines: list[Text] = []
    for text in texts:
        lines.extend(text.wrap(_FOLDER, max(8, width)) if text.plain else [Text()])
    for line in lines:
        line.rstrip()
    return lines


def key_hints(*pairs: tuple[str, str]) -> Text:
    """Return keys and what they do, in one line."""
    line = Text()
    for key, does in pairs:
        line.append("   " if line.plain else "").append(key, "key").append(f" {does}", "dim")
    return line


class Words(Lines, can_focus=False):
    """A text that is wrapped at the widget's own width, which also determines its height."""

    DEFAULT_CSS = "Words { height: auto; overflow: hidden; scrollbar-gutter: auto; }"

    def __init__(self, *texts: Text, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._texts = texts

    def say(self, *texts: Text) -> None:
        """Replace the text, and lay out again if its height changes."""
        before = len(folded(self._texts, self.size.width))
        self._texts = texts
        self._fold()
        if len(folded(texts, self.size.width)) != before:
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(folded(self._texts, width))

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the text again for the new width."""
        self._fold()

    def _fold(self) -> None:
        if self.size.width:
            self.set_lines(folded(self._texts, self.size.width))


class Note(Lines, can_focus=False):
    """One line beside a field, truncated at the widget's width."""

    DEFAULT_CSS = "Note { height: 1; overflow: hidden; scrollbar-gutter: auto; }"

    def __init__(self, *, id: str, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id=id)
        self._text = Text()
        self._glyphs = glyphs

    def say(self, text: Text) -> None:
        """Replace the line that the note shows."""
        self._text = text
        self._cut()

    def on_resize(self, event: events.Resize) -> None:
        """Truncate the line again for the new width."""
        self._cut()

    def _cut(self) -> None:
        line, width = self._text.copy(), self.size.width
        if not width:
            return
        if line.cell_len > width:
            line.truncate(max(0, width - len(self._glyphs.ellipsis)))
            line.append(self._glyphs.ellipsis, "dim")
        self.set_lines([line])


class Cycle(Lines, can_focus=True):
    """A choice of one word out of a few, all of them visible; left, right and space choose."""

    DEFAULT_CSS = "Cycle { height: 1; overflow: hidden; scrollbar-gutter: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", show=False),
        Binding("right,space", "turn(1)", show=False),
        Binding("enter", "submit", show=False),
        # The up and down arrows belong to the form: they move from field to field.
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    value: reactive[str] = reactive("", repaint=False, init=False)

    @dataclass
    class Changed(Message):
        """The user has chosen another word, now the value of `cycle`."""

        cycle: Cycle

    class Submitted(Message):
        """Enter was pressed in the field."""

    def __init__(self, words: Sequence[str], *, id: str) -> None:
        super().__init__(id=id)
        self.words = tuple(words)
        self.set_reactive(Cycle.value, words[0])

    def on_resize(self, event: events.Resize) -> None:
        """Draw the words for the new width."""
        self._redraw()

    def watch_value(self) -> None:
        """Redraw the words and report the change."""
        self._redraw()
        self.post_message(self.Changed(self))

    def _redraw(self) -> None:
        line = Text()
        for word in self._visible:
            line.append(f"[{word}]" if word == self.value else f" {word} ", "head" if word == self.value else "dim")
        self.set_lines([line])

    @property
    def _visible(self) -> tuple[str, ...]:
        """The words from the first one that leaves room for the chosen one."""
        end = self.words.index(self.value) + 1
        starts = (at for at in range(end) if sum(len(word) + 2 for word in self.words[at:end]) <= self.size.width)
        return self.words[next(starts, end - 1) :]

    def action_turn(self, by: int) -> None:
        """Choose the next word, or the previous one."""
        place = (self.words.index(self.value) + by) % len(self.words)
        self.value = self.words[place]

    def action_submit(self) -> None:
        """Post the message that submits the form."""
        self.post_message(self.Submitted())

    def on_click(self, event: events.Click) -> None:
        """Choose the word under the mouse."""
        start = 0
        for word in self._visible:
            if start <= event.x < start + len(word) + 2:
                self.value = word
            start += len(word) + 2


class Field(Horizontal):
    """A label, a control, and a note on its value; with `wide` the note is on the next line."""

    DEFAULT_CSS = """
    Field { height: 1; }
    Field Label { width: 13; color: $foreground 70%; }
    Field:focus-within Label { color: $primary; text-style: bold; }
    Field Input, Field Input:focus { width: 20; background: $panel; }
    Field Input.-wide { width: 1fr; }
    Field Cycle { width: 1fr; }
    Field Cycle.-short { width: 31; }
    Field Note { margin-left: 1; }
    Field Input:ansi { text-style: underline; }
    """

    def __init__(self, label: str, control: Widget, note: Note | None = None) -> None:
        super().__init__()
        self._label, self._control, self._note = label, control, note

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        yield self._control
        if self._note is not None:
            yield self._note


class TextEntry(Input):
    """A one-line text field, one row high; up and down move to the neighbouring fields."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(self, value: str = "", *, id: str, placeholder: str = "", wide: bool = False) -> None:
        super().__init__(value, placeholder=placeholder, compact=True, id=id, classes="-wide" if wide else "")


class NumberEntry(TextEntry):
    """A text field for a number: letters that are keys of the form work in it, too."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Return whether the field takes a key for itself: it does not take letters."""
        return super().check_consume_key(key, character) and not (character or "").isalpha()
