"""Copy text to the clipboard of the terminal a person sits at, by OSC 52, also from inside tmux, or into a file."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs
from textual import on
from textual.app import App, ReturnType
from textual.message import Message

MOST_BYTES = 74_994
"""The longest text that terminals take by OSC 52: what xterm allows, as base64."""

_WITHOUT = ("linux", "dumb")


def copy_sequence(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the escape sequence that copies a text, "" where the terminal is known to have none, or it is too long.

    Inside tmux it is sent twice: bare, for a tmux that keeps the clipboard itself (`set-clipboard`), and wrapped, for
    one that lets sequences through to the terminal around it (`allow-passthrough`).
    """
    encoded = base64.b64encode(text.encode()).decode()
    if len(encoded) > MOST_BYTES or environment.get("TERM", "") in _WITHOUT:
        return ""
    bare = f"\x1b]52;c;{encoded}\a"
    if not environment.get("TMUX"):
        return bare
    return bare + "\x1bPtmux;" + bare.replace("\x1b", "\x1b\x1b") + "\x1b\\"


@dataclass
class Copy(Message):
    """Copy a text to the terminal's clipboard; `what` names it in the answer to the user."""

    text: str
    what: str


class ClipboardApp(App[ReturnType]):
    """An app that copies what its widgets ask it to, and says what it did."""

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text to the clipboard of the terminal; it does nothing where the terminal is known to have none."""
        self._clipboard = text
        if self._driver is not None and (sequence := copy_sequence(text)):
            self._driver.write(sequence)
            self._driver.flush()

    @on(Copy)
    def _copy(self, message: Copy) -> None:
        if copy_sequence(message.text):
            self.copy_to_clipboard(message.text)
            self.notify(f"the {message.what} is copied, if the terminal allows it", timeout=4)
            return
        folder = Path(platformdirs.user_state_dir("luna-tui", appauthor=False))
        path = folder / f"copied-{datetime.now():%Y%m%d-%H%M%S}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(message.text, encoding="utf-8")
        except OSError as error:
            self.notify(f"the {message.what} cannot be copied here or saved: {error}", severity="error", markup=False)
        else:
            self.notify(f"this terminal takes no such copy: the {message.what} is in {path}", markup=False, timeout=15)
