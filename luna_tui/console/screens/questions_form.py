"""The form for questions out of documents: which files, and which stage gets the rows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
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

from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console.widgets.fields import Cycle, Field, TextEntry, Words, key_hints


@dataclass(frozen=True, slots=True)
class QuestionsWish:
    """The documents to read, and the stage that gets the accepted rows."""

    files: tuple[Path, ...]
    stage: str


class QuestionsForm(ModalScreen[QuestionsWish | None]):
    """Asks for the documents and the stage; the result is None when the user cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]
    DEFAULT_CSS = """
    QuestionsForm #what { margin: 1 0; }
    QuestionsForm #place { min-height: 2; margin-left: 13; }
    QuestionsForm #keys { margin-bottom: 1; }
    """

    def __init__(self, stages: Sequence[str], glyphs: Glyphs) -> None:
        super().__init__()
        self._stages, self._glyphs = stages, glyphs

    def compose(self) -> ComposeResult:
        what = "Headings, definitions, tables, FAQs and plain sentences become questions, for you to review."
        keys = key_hints(("enter", "read them"), ("tab", "next field"), ("left right", "choose"), ("esc", "cancel"))
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Questions out of documents")
            yield Words(Text().append(what, "dim"), id="what")
            yield Field("documents", TextEntry(id="documents", placeholder=".md or .txt files", wide=True))
            yield Words(id="place")
            yield Field("stage", Cycle(self._stages, id="stage"))
            yield Words(keys, id="keys")

    @on(Input.Submitted)
    @on(Cycle.Submitted)
    def _send(self) -> None:
        files, problem = documents_in(self.query_one(TextEntry).value)
        if problem:
            words = Text().append(f"{self._glyphs.rejected} {safe_line(problem)}", "bad")
            self.query_one("#place", Words).say(words)
            self.query_one(TextEntry).focus()
        else:
            self.dismiss(QuestionsWish(files, self.query_one(Cycle).value))


def documents_in(text: str) -> tuple[tuple[Path, ...], str]:
    """Return the files that the typed text names, quoted as in a shell, and what is wrong with it."""
    try:
        files = tuple(Path(name).expanduser() for name in shlex.split(text))
    except ValueError as error:
        return (), f"a quotation mark is missing ({error})"
    if not files:
        return (), "name a file"
    missing = next((path for path in files if not path.is_file()), None)
    return files, f"there is no file {missing}" if missing is not None else ""
