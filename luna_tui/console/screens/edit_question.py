"""The dialog in which a proposed question and its answer are edited."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label

from luna_tui.common.safe_text import safe_line, safe_text
from luna_tui.common.terminal import Glyphs
from luna_tui.console.widgets.fields import Words, key_hints
from luna_tui.console.widgets.prompt_input import RawTextArea


class EditQuestion(ModalScreen[tuple[str, str] | None]):
    """Returns the question and the answer as they should be, or None."""

    DEFAULT_CSS = """
    EditQuestion .dialog { padding: 1 2; width: 84; }
    EditQuestion RawTextArea, EditQuestion RawTextArea:focus {
        height: auto; min-height: 2; max-height: 8; border: none; padding: 0 1; background: $panel; margin-bottom: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+enter", "save", "save", show=False, priority=True),
        Binding("escape", "dismiss(None)", "cancel", show=False, priority=True),
    ]

    def __init__(self, prompt: str, answer: str, source: str, glyphs: Glyphs) -> None:
        super().__init__()
        # What is edited becomes a training row: characters that are invisible or control a terminal are removed.
        self._texts = ["".join([c for c in text if safe_text(c) == c]).strip() for text in (prompt, answer)]
        self._source, self.glyphs = source, glyphs

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(safe_line(self._source))
            yield Label("question", markup=False)
            yield RawTextArea(self._texts[0], id="edited-question", glyphs=self.glyphs)
            yield Label("answer", markup=False)
            yield RawTextArea(self._texts[1], id="edited-answer", glyphs=self.glyphs)
            yield Words(key_hints(("ctrl+s", "accept it so"), ("tab", "next field"), ("esc", "cancel")), id="edit-keys")

    def on_mount(self) -> None:
        """Put the cursor at the end of the question."""
        area = self.query_one("#edited-question", RawTextArea)
        area.move_cursor(area.document.end)
        area.focus()

    def action_save(self) -> None:
        """Return both texts if neither is empty."""
        prompt, answer = (
            self.query_one(f"#edited-{name}", RawTextArea).text.strip() for name in ("question", "answer")
        )
        if prompt and answer:
            self.dismiss((prompt, answer))
        else:
            empty = "question" if not prompt else "answer"
            self.query_one("#edit-keys", Words).say(Text().append(f"the {empty} is empty: write it, or esc", "warn"))
