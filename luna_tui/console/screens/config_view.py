"""The page that shows luna.toml, with a key that opens an editor."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from luna_tui.common.safe_text import safe_line
from luna_tui.console.widgets.fields import Words, key_hints
from luna_tui.console.widgets.lines import Lines

_EDITORS = ("nano", "vi")


class ConfigView(ModalScreen[bool]):
    """Shows the configuration; e opens the user's editor. The result is whether the file was edited."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,o", "leave", show=False),
        Binding("e", "edit", show=False),
    ]
    CSS = """
    ConfigView .dialog { width: 104; height: 95%; }
    ConfigView.-ascii TomlLines { scrollbar-size-vertical: 0; }
    ConfigView #problem { margin: 1 0; }
    ConfigView #keys { margin-top: 1; }
    """

    def __init__(self, path: Path, text: Callable[[], str], problem: Callable[[], Mapping[str, str] | None]) -> None:
        super().__init__()
        self._path, self._text, self._problem = path, text, problem
        self._before = self._read()[0]

    def compose(self) -> ComposeResult:
        keys = key_hints(("e", "edit"), ("up down pgup pgdn", "scroll"), ("esc", "back"))
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(safe_line(self._path.name))
            yield Words(id="problem")
            yield TomlLines(id="toml")
            yield Words(keys, id="keys")

    def on_mount(self) -> None:
        """Show the file and what is wrong with it."""
        # The scroll bar is drawn with block characters, which are not ASCII.
        self.set_class(self.app.has_class("-ascii"), "-ascii")
        self._show_file()
        self.query_one(TomlLines).focus()

    def on_resize(self) -> None:
        """Show the folder's name again for the new width."""
        self.call_after_refresh(self._name_folder)

    def _name_folder(self) -> None:
        """Show the end of a long path, which is more informative, shortened here because the border would add its own
        mark.
        """
        dialog, folder = self.query_one(".dialog"), safe_line(str(self._path.parent))
        mark = "..." if self.has_class("-ascii") else "…"
        room = max(len(mark) + 1, dialog.size.width - 4)
        dialog.border_subtitle = Content(folder if len(folder) <= room else mark + folder[len(mark) - room :])

    def action_leave(self) -> None:
        """Close the dialog; its result is whether the file's text has changed."""
        self.dismiss(self._read()[0] != self._before)

    def action_edit(self) -> None:
        """Hand the terminal to the editor, and read the file again afterwards."""
        try:
            command = editor_command(os.environ)
            if command is None:
                raise SuspendNotSupported
            with self.app.suspend():
                code = _run([*command, str(self._path)])
        except SuspendNotSupported:
            self._say(Text().append(f"No editor can be opened here. The file is {safe_line(str(self._path))}", "warn"))
            return
        except OSError as error:
            self._say(Text().append(f"The editor could not be started: {safe_line(str(error))}", "bad"))
            return
        self._show_file()
        if code:
            self._say(Text().append(f"The editor ended with {code}; the file is shown as it is now.", "warn"))
        elif self._problem() is None and self._read()[0] != self._before:
            self.dismiss(True)

    def _show_file(self) -> None:
        text, unreadable = self._read()
        self.query_one(TomlLines).show_text(text)
        problem = {"title": unreadable} if unreadable else self._problem()
        self._say(*(_said(problem) if problem is not None else ()))

    def _say(self, *lines: Text) -> None:
        words = self.query_one("#problem", Words)
        words.display = bool(lines)
        words.say(*lines)

    def _read(self) -> tuple[str, str]:
        """Return the file's text, and why it could not be read."""
        try:
            return self._text(), ""
        except OSError as error:
            return "", f"{self._path.name} cannot be read: {error.strerror or error}"


class TomlLines(Lines, can_focus=True):
    """TOML with line numbers, long lines wrapped; comments are dimmed, tables and keys highlighted."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._toml = ""

    def show_text(self, text: str) -> None:
        """Replace the TOML text that is shown."""
        self._toml = text
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the lines again for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if width:
            self.set_lines(draw_toml(self._toml, width))


def draw_toml(text: str, width: int) -> list[Text]:
    """Return the numbered lines of a TOML file, none wider than `width` cells."""
    lines: list[Text] = []
    for number, source in enumerate(text.splitlines(), start=1):
        line = _coloured(safe_line(source.replace("\t", "    ")))
        room = max(8, width - 5)
        pieces = list(line.divide(range(room, line.cell_len, room))) if line.cell_len > room else [line]
        for index, piece in enumerate(pieces):
            lines.append(Text().append(f"{number:>3}  " if index == 0 else " " * 5, "dim").append_text(piece))
    return lines


def _coloured(line: str) -> Text:
    bare = line.strip()
    if bare.startswith("#"):
        return Text().append(line, "dim")
    if bare.startswith("["):
        return Text().append(line, "head")
    key, equals, value = line.partition("=")
    return Text().append(key, "accent").append(equals, "dim").append(value) if equals else Text().append(line)


def _said(problem: Mapping[str, str]) -> list[Text]:
    lines = [Text().append(safe_line(problem.get("title", "")), "bad")]
    for name, style in (("where", "bold"), ("hint", "dim")):
        lines += [Text().append(safe_line(part), style) for part in problem.get(name, "").splitlines()]
    return lines


def editor_command(environment: Mapping[str, str]) -> list[str] | None:
    """Return the user's editor with its options, the first that exists of $VISUAL, $EDITOR, nano and vi; None without
    one.
    """
    for wanted in (environment.get("VISUAL", ""), environment.get("EDITOR", ""), *_EDITORS):
        try:
            command = shlex.split(wanted)
        except ValueError:
            continue
        if command and shutil.which(command[0]):
            return command
    return None


def _run(command: list[str]) -> int:
    # Descriptors 1 and 2 may lead to the log; the terminal is where Textual draws. Ctrl-C belongs to the editor.
    terminal = sys.__stdout__
    with subprocess.Popen(command, stdout=terminal, stderr=terminal) as editor:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return editor.wait()
        finally:
            signal.signal(signal.SIGINT, before)
