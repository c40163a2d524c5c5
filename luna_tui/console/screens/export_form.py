"""The form for an export: target program and directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.publish.targets import TARGETS
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console.widgets.choices import Choice, Choices
from luna_tui.console.widgets.fields import Field, TextEntry, Words, key_hints

_NAMES = tuple(TARGETS)


@dataclass(frozen=True, slots=True)
class ExportWish:
    """The target program and the directory of an export."""

    target: str
    directory: Path


class ExportForm(ModalScreen[ExportWish | None]):
    """Asks for the target program and the directory; the result is None when the user cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]
    DEFAULT_CSS = """
    ExportForm Choices { margin: 1 0; }
    ExportForm #place { min-height: 2; margin-left: 13; }
    ExportForm #keys { margin-bottom: 1; }
    """

    def __init__(self, ref: str, root: Path, glyphs: Glyphs) -> None:
        super().__init__()
        self._ref, self._root, self._glyphs = ref, root, glyphs
        self._target = _NAMES[0]

    def compose(self) -> ComposeResult:
        width = max(map(len, TARGETS))
        choices = tuple(Choice("", f"{name:{width}}", detail) for name, detail in TARGETS.items())
        keys = key_hints(("enter", "export"), ("up down", "target"), ("tab", "directory"), ("esc", "cancel"))
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(safe_line(f"Export {self._ref}"))
            yield Choices(choices, glyphs=self._glyphs)
            yield Field("directory", TextEntry(str(self._default(self._target)), id="directory", wide=True))
            yield Words(id="place")
            yield Words(keys, id="keys")

    def on_mount(self) -> None:
        """Check the default directory and show the result."""
        self._look()

    @on(Choices.Moved)
    def _change(self, event: Choices.Moved) -> None:
        entry = self.query_one(TextEntry)
        untouched = entry.value == str(self._default(self._target))
        self._target = _NAMES[event.index]
        if untouched:
            entry.value = str(self._default(self._target))

    @on(Input.Changed)
    def _look(self) -> None:
        problem, remark = look_at(self.query_one(TextEntry).value)
        place = (
            Text().append(f"{self._glyphs.rejected} {safe_line(problem)}", "bad")
            if problem
            else Text().append(remark, "warn")
        )
        self.query_one("#place", Words).say(place)

    @on(Choices.Chosen)
    @on(Input.Submitted)
    def _send(self) -> None:
        text = self.query_one(TextEntry).value
        if look_at(text)[0]:
            self.query_one(TextEntry).focus()
        else:
            self.dismiss(ExportWish(self._target, _absolute(text)))

    def _default(self, target: str) -> Path:
        return self._root / "exports" / f"{self._ref}-{target}"


def look_at(text: str) -> tuple[str, str]:
    """Return why nothing can be written into this directory, and else a note the user should know; each empty if there
    is none.
    """
    if not text.strip():
        return "name a directory", ""
    directory = _absolute(text)
    try:
        nearest = next(path for path in (directory, *directory.parents) if path.exists())
        if not nearest.is_dir():
            return f"this is a file: {nearest}", ""
        if not os.access(nearest, os.W_OK):
            return f"nothing can be written there: {nearest}", ""
        if nearest == directory and any(directory.iterdir()):
            return "", "It exists and is not empty; no file in it is replaced."
    except OSError as error:
        return error.strerror or str(error), ""
    return "", ""


def _absolute(text: str) -> Path:
    return Path(os.path.abspath(Path(text.strip()).expanduser()))
