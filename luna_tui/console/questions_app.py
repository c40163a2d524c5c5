"""The review page as an app of its own, as `luna-tui questions FILE` opens it: no workspace is watched."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.driver import Driver
from textual.message import Message

from engine.core.counted import counted
from engine.core.errors import LunaError
from engine.data.questions.rows_file import FileExists, write_questions
from ledger.errors import LedgerError
from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console import messages
from luna_tui.console.app import FrameRate
from luna_tui.console.key_queue import OrderedKeys
from luna_tui.console.screens.questions import QuestionsScreen
from luna_tui.console.themes import THEMES

if TYPE_CHECKING:
    from engine.data.questions.answers import Proposal


class QuestionsApp(OrderedKeys[str]):
    """Reviews proposals and writes the accepted ones to one file; `written` is how many rows are in it."""

    TITLE = "luna questions"
    CSS_PATH = "luna.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        proposals: Sequence[Proposal],
        path: Path,
        *,
        force: bool = False,
        pace: FrameRate | None = None,
        driver: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver)
        self.written = 0
        self._proposals, self._path, self._force = proposals, path, force
        self._pace = pace or FrameRate()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._pace.theme
        self.set_class(self._pace.ascii, "-ascii")

    def on_mount(self) -> None:
        """Show the page; the app ends when it is left, or when the terminal is lost."""
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.exit, "hangup")
        glyphs = ASCII if self._pace.ascii else UNICODE
        page = QuestionsScreen(self._proposals, str(self._path), glyphs)
        self.push_screen(page, lambda _left: self.exit("done"))

    def hear(self, message: Message) -> None:
        """Write the accepted questions."""
        if not isinstance(message, messages.WriteQuestions):
            return
        try:
            # What this review wrote before may be written again, with more or fewer rows.
            force = self._force or message.replace or self.written > 0
            write_questions(self._path, message.proposals, force=force)
        except FileExists:
            message.page.refused(f"{self._path} exists: W replaces it")
        except (LunaError, LedgerError) as error:
            message.page.refused(f"{error.title}: {error.hint}")
        else:
            self.written = len(message.proposals)
            message.page.written(f"{counted(self.written, 'row')} in {self._path}")
