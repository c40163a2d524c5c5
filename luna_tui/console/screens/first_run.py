"""The page shown where there is no workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.widgets.choices import Choice, Choices
from luna_tui.console.widgets.fields import Field, TextEntry, Words, key_hints

_CONFIG = "luna.toml"


class FirstRun(Screen[None]):
    """Offers to create the demo or a workspace, empty or with the user's own files, or to open another one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("q", "leave", show=False),
    ]
    DEFAULT_CSS = """
    FirstRun { align: center middle; }
    FirstRun > Vertical { width: 74; max-width: 96%; height: auto; max-height: 100%; }
    FirstRun Choices { margin: 1 0; }
    FirstRun #other { height: 3; }
    FirstRun #place { margin-left: 13; min-height: 2; }
    """

    def __init__(self, directory: Path, glyphs: Glyphs) -> None:
        super().__init__()
        self._directory, self._glyphs = directory, glyphs

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Words(*_what_luna_is(self._directory))
            yield Choices(self._choices(), glyphs=self._glyphs, roomy=True)
            with Vertical(id="other"):
                yield Field("directory", TextEntry(id="directory", placeholder="a folder with a luna.toml", wide=True))
                yield Words(id="place")
            yield Words(key_hints(("up down enter", "choose"), ("q", "leave")), id="keys")

    def on_mount(self) -> None:
        """Hide the path field until the user wants it."""
        self._ask_path(False)

    @on(Choices.Chosen)
    def _choose(self, event: Choices.Chosen) -> None:
        if event.index == 2:
            self._ask_path(True)
        elif event.index in (1, 3):
            self.post_message(messages.MakeWorkspace(self._directory, False, own_files=event.index == 3))
        elif _is_workspace(self._demo):
            self.post_message(messages.OpenWorkspace(self._demo))
        else:
            self.post_message(messages.MakeWorkspace(self._demo, True))

    @on(Input.Changed)
    def _look(self, event: Input.Changed) -> None:
        if event.value.strip() and _is_workspace(_absolute(event.value)):
            self.query_one("#place", Words).say(Text().append("A workspace: enter opens it.", "good"))
        else:
            self.query_one("#place", Words).say(Text())

    @on(Input.Submitted)
    def _open(self, event: Input.Submitted) -> None:
        problem = why_not(event.value)
        if problem:
            words = Text().append(f"{self._glyphs.rejected} {safe_line(problem)}", "bad")
            self.query_one("#place", Words).say(words)
        else:
            self.post_message(messages.OpenWorkspace(_absolute(event.value)))

    def action_back(self) -> None:
        """Close the path field, or leave the console if it is closed."""
        if self.query_one("#other").display:
            self._ask_path(False)
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Leave the console through the quit action."""
        self.post_message(messages.Act("quit"))

    def _ask_path(self, wanted: bool) -> None:
        self.query_one("#other").display = wanted
        self.query_one(TextEntry if wanted else Choices).focus()

    @property
    def _demo(self) -> Path:
        """Return where the demo is created: here if the directory is empty, else in a folder of its own."""
        return self._directory if _is_empty(self._directory) else self._directory / "demo"

    def _choices(self) -> tuple[Choice, ...]:
        # The directory is already named above: its name may be longer than all the rest.
        if _is_workspace(self._demo):
            first = Choice("1d", "Open the demo", "It was made before, in demo/ here.")
        else:
            where = "this folder" if self._demo == self._directory else "demo/ here"
            about = (
                "An invented system's manual and a blunt voice, on the packaged 135M model: 4 generations take about "
                f"13 minutes on 2 cores. Goes into {where}."
            )
            first = Choice("1d", "See the demo", about)
        mine = "luna.toml with every key explained, and a folder for each stage of your data, in this folder."
        return (
            first,
            Choice("2n", "A workspace of my own here", mine),
            Choice("3o", "Open another workspace", "Name the folder its luna.toml is in."),
            Choice(
                "4f", "Start from my own files", "A workspace here, then a look at a file or folder, and its import."
            ),
        )


def why_not(text: str) -> str:
    """Return why the typed text does not name a workspace; empty if it does."""
    if not text.strip():
        return "name a folder"
    directory = _absolute(text)
    try:
        if _is_workspace(directory):
            return ""
        if not directory.exists():
            return f"there is no {directory}"
    except OSError as error:
        return error.strerror or str(error)
    return f"there is no {_CONFIG} in {directory}"


def _what_luna_is(directory: Path) -> tuple[Text, ...]:
    about = (
        Text()
        .append("luna", "title")
        .append(
            " evolves a small language model in tiny, audited steps, until it speaks like you and knows your field."
        )
    )
    where = (
        Text()
        .append("There is no workspace in ", "dim")
        .append(safe_line(str(directory)), "dim")
        .append(" yet.", "dim")
    )
    return about, Text(), where


def _is_workspace(directory: Path) -> bool:
    try:
        return (directory / _CONFIG).is_file()
    except OSError:
        return False


def _is_empty(directory: Path) -> bool:
    try:
        return not directory.exists() or not any(directory.iterdir())
    except OSError:
        return False


def _absolute(text: str) -> Path:
    return Path(os.path.abspath(Path(text.strip()).expanduser()))
