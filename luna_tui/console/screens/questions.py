"""The page on which proposed questions are accepted, edited or dropped, and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs
from luna_tui.console import messages
from luna_tui.console.render.question_list import draw_question, draw_question_line, draw_review_header
from luna_tui.console.screens.edit_question import EditQuestion
from luna_tui.console.screens.items import ItemsList
from luna_tui.console.screens.page_screen import key_line
from luna_tui.console.state.question_review import QuestionReview
from luna_tui.console.widgets.lines import Lines

if TYPE_CHECKING:
    from engine.data.questions.answers import Proposal

_KEYS = (
    ("enter", "accept"),
    ("space", "accept or drop"),
    ("e", "edit"),
    ("a", "accept all"),
    ("w", "write"),
    ("esc", "back"),
)


class QuestionsScreen(Screen[None]):
    """Shows every proposal with its source line, and the one under the cursor in full."""

    DEFAULT_CSS = """
    QuestionsScreen #questions-header { height: 2; }
    QuestionsScreen ItemsList { width: 3fr; padding: 0 1; }
    QuestionsScreen #question-detail { width: 2fr; padding: 0 1; border-left: solid $panel; }
    QuestionsScreen.-narrow Horizontal { layout: vertical; }
    QuestionsScreen.-narrow #question-detail { border-left: none; border-top: solid $panel; }
    QuestionsScreen.-narrow ItemsList, QuestionsScreen.-narrow #question-detail { width: 1fr; }
    QuestionsScreen.-ascii #question-detail { border-left: ascii $panel; }
    QuestionsScreen.-ascii.-narrow #question-detail { border-left: none; border-top: ascii $panel; }
    QuestionsScreen #questions-notice, QuestionsScreen #questions-keys { height: 1; scrollbar-gutter: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("enter", "accept", "accept", show=False),
        Binding("space", "turn", "accept or drop", show=False),
        Binding("e", "edit", "edit", show=False),
        Binding("a", "accept_all", "accept all", show=False),
        Binding("w", "write(False)", "write", show=False),
        Binding("W", "write(True)", "replace", show=False),
    ]

    def __init__(self, proposals: Sequence[Proposal], place: str, glyphs: Glyphs) -> None:
        super().__init__()
        self.review = QuestionReview.of(proposals)
        self.place, self.glyphs = place, glyphs
        self.set_class(glyphs is ASCII, "-ascii")
        self._warned = False  # whether the next escape leaves what is unwritten

    def compose(self) -> ComposeResult:
        yield Lines(id="questions-header")
        with Horizontal():
            yield ItemsList(id="questions-list")
            yield Lines(id="question-detail")
        yield Lines(id="questions-notice")
        yield Lines(id="questions-keys")

    def on_mount(self) -> None:
        """Focus the list; the lines around it take no keys."""
        for around in ("#questions-header", "#question-detail", "#questions-notice", "#questions-keys"):
            self.query_one(around).can_focus = False
        listing = self.query_one("#questions-list", Lines)
        listing.cursor = 0
        listing.focus()
        self.query_one("#questions-keys", Lines).set_lines([key_line(_KEYS, self.glyphs)])

    def on_resize(self, event: events.Resize) -> None:
        """Put list and detail side by side where both fit."""
        self.set_class(event.size.width < 100, "-narrow")
        self.call_after_refresh(self._draw)

    @property
    def at(self) -> int:
        """The place of the question under the cursor."""
        return self.query_one("#questions-list", Lines).cursor or 0

    def action_move(self, by: int) -> None:
        """Move the cursor by this many questions."""
        last = len(self.review.questions) - 1
        self.query_one("#questions-list", Lines).cursor = min(last, max(0, self.at + by))
        self._draw_detail()

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(by * max(1, self.query_one("#questions-list").size.height - 1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last question."""
        self.action_move(len(self.review.questions) if end else -len(self.review.questions))

    def action_accept(self) -> None:
        """Accept the question under the cursor and go to the next one."""
        self._take(self.review.decide(self.at, "accepted"))
        self.action_move(1)

    def action_turn(self) -> None:
        """Drop the question under the cursor if it is accepted, else accept it."""
        self._take(self.review.toggle(self.at))

    def action_accept_all(self) -> None:
        """Accept every question that is not dropped."""
        self._take(self.review.accept_open())

    def action_edit(self) -> None:
        """Open the dialog for the question under the cursor; what comes back is accepted."""
        at, proposal = self.at, self.review.questions[self.at].proposal

        def edited(words: tuple[str, str] | None) -> None:
            if words is not None:
                self._take(self.review.edit(at, *words))

        self.app.push_screen(EditQuestion(proposal.prompt, proposal.response, proposal.source, self.glyphs), edited)

    def action_write(self, replace: bool) -> None:
        """Request that the accepted questions are written; the answer comes back through `written` or `refused`."""
        if not self.review.accepted:
            self.say("no question is accepted yet: enter accepts one, a all", "warn")
            return
        messages.do_now(self, messages.WriteQuestions(self, tuple(self.review.accepted), replace))

    def written(self, words: str) -> None:
        """Say where the rows went."""
        self.review = self.review.written()
        self.say(words, "good")

    def refused(self, words: str) -> None:
        """Say why nothing was written."""
        self.say(words, "bad")

    def action_back(self) -> None:
        """Leave the page; decisions that are not written are left at the second press only."""
        if self.review.unwritten and self.review.accepted and not self._warned:
            self._warned = True
            self.say("the accepted questions are not written yet: w writes them, esc again leaves them", "warn")
        else:
            self.dismiss()

    def say(self, words: str, style: str) -> None:
        """Show a line above the keys."""
        notice = self.query_one("#questions-notice", Lines)
        notice.set_lines([Text().append(f" {safe_line(words)}", style)])

    def _take(self, review: QuestionReview) -> None:
        self.review, self._warned = review, False
        self.query_one("#questions-notice", Lines).set_lines([])
        self._draw()

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        listing = self.query_one("#questions-list", Lines)
        header = draw_review_header(self.review, self.place, self.size.width, self.glyphs)
        self.query_one("#questions-header", Lines).set_lines(header)
        width = max(20, listing.scrollable_content_region.width)
        shown = self.review.questions
        listing.set_source(len(shown), lambda at: draw_question_line(shown[at], width, self.glyphs))
        self._draw_detail()

    def _draw_detail(self) -> None:
        detail = self.query_one("#question-detail", Lines)
        width = max(10, detail.scrollable_content_region.width)
        detail.set_lines(draw_question(self.review.questions[self.at], width))
        detail.scroll_to(y=0, animate=False)
