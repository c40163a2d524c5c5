"""The actions on questions out of documents: choose the files, review the proposals, write the accepted ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.counted import counted
from luna_tui.console import messages
from luna_tui.console.host import Host
from luna_tui.console.state.events import QuestionsProposed, QuestionsWritten
from luna_tui.console.view_actions import ViewActions
from luna_tui.console.workers.link import Link

if TYPE_CHECKING:
    from luna_tui.console.screens.questions_form import QuestionsWish


class QuestionActions(ViewActions):
    """Opens the form and the review page; the link reads and writes."""

    def __init__(self, stage: Host, link: Link) -> None:
        super().__init__(stage, link)
        self._review: messages.ReviewPage | None = None
        self._place = Path()
        self._wrote = False  # whether this review's file was written by it, and may be written again

    def do_questions(self) -> None:
        """Ask for the documents, then read them."""
        from luna_tui.console.screens.questions_form import QuestionsForm

        problem = self._link.config_problem()
        if problem is not None:
            self.tell(problem["title"], "error", problem.get("hint", ""))
            return
        self._stage.push_screen(QuestionsForm(self._link.stages(), self._stage.glyphs), self._read)

    def _read(self, wish: QuestionsWish | None) -> None:
        if wish is not None:
            self.tell(f"reading {counted(len(wish.files), 'document')}")
            self._link.propose_questions(wish.files, wish.stage)

    def heed_questions(self, event: QuestionsProposed | QuestionsWritten) -> None:
        """Open the review of what was proposed, or tell the page how the writing ended."""
        if isinstance(event, QuestionsWritten):
            self._heed_written(event)
        elif not event.proposals:
            hint = "the rules read headings, definitions, tables, FAQs and plain sentences"
            self.tell("no question was found in the documents", "warning", hint)
        else:
            from luna_tui.console.screens.questions import QuestionsScreen

            page = QuestionsScreen(event.proposals, self._shown(event.path), self._stage.glyphs)
            self._review, self._place, self._wrote = page, event.path, False
            self.tell(f"{counted(len(event.proposals), 'question')} proposed")
            self._stage.push_screen(page)

    def write_questions(self, message: messages.WriteQuestions) -> None:
        """Write the accepted questions of the open review."""
        self._link.write_questions(self._place, message.proposals, replace=message.replace or self._wrote)

    def _heed_written(self, event: QuestionsWritten) -> None:
        if event.problem:
            words = f"{self._shown(event.path)} exists: W replaces it" if event.exists else event.problem
            said, level = words, "error"
        else:
            said, level = f"{counted(event.rows, 'row')} in {self._shown(event.path)}", "info"
            self._wrote = True
        self.tell(said, level)
        if self._review is not None and self._review is self._stage.screen:
            (self._review.refused if event.problem else self._review.written)(said)

    def _shown(self, path: Path) -> str:
        """Return a path as seen from the workspace."""
        return str(path.relative_to(self._link.root) if path.is_relative_to(self._link.root) else path)
