"""The dry run of a training: what would be learned and taken, and ten of its sequences token by token."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen

from engine.core.counted import counted
from engine.pipeline.request import TrainRequest
from luna_tui.common.preview_text import legend, sequence_title, summary_lines, token_lines
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.console import messages
from luna_tui.console.render.status import draw_job
from luna_tui.console.screens.page_screen import key_line
from luna_tui.console.state.console_state import ConsoleState, JobView
from luna_tui.console.state.events import PreviewLoaded
from luna_tui.console.widgets.fields import folded
from luna_tui.console.widgets.lines import Lines

if TYPE_CHECKING:
    from engine.pipeline.preview import Preview

_SENTENCES = 100
_SIDE_BY_SIDE = 120


class DryRunPart(Lines, can_focus=True, inherit_bindings=False):
    """The summary or a sequence; up and down scroll, left and right go from sequence to sequence."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "down", show=False),
        Binding("up,k", "scroll_up", "up", show=False),
        Binding("pagedown", "page_down", "page down", show=False),
        Binding("pageup", "page_up", "page up", show=False),
        Binding("home", "scroll_home", "top", show=False),
        Binding("end", "scroll_end", "bottom", show=False),
    ]


class DryRunScreen(ModalScreen[None]):
    """Shows a progress line until `take` brings what was decided; narrow, the summary is the page before the first
    sequence.
    """

    DEFAULT_CSS = """
    DryRunScreen { align: left top; background: $background; }
    DryRunScreen #dry-run-head { height: 1; overflow: hidden; scrollbar-gutter: auto; }
    DryRunScreen Horizontal { height: 1fr; }
    DryRunScreen DryRunPart { padding: 0 1; }
    DryRunScreen #dry-run-sequence { border-left: solid $panel; }
    DryRunScreen.-narrow #dry-run-sequence { border-left: none; }
    App.-ascii DryRunScreen #dry-run-sequence { border-left: ascii $panel; }
    App.-ascii DryRunScreen.-narrow #dry-run-sequence { border-left: none; }
    DryRunScreen #dry-run-keys { height: 1; overflow: hidden; scrollbar-gutter: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "back", show=False),
        Binding("right,n", "turn(1)", "next", show=False),
        Binding("left,p", "turn(-1)", "previous", show=False),
    ]

    def __init__(self, request: TrainRequest, glyphs: Glyphs) -> None:
        super().__init__()
        self.request, self.glyphs = request, glyphs
        self._found: PreviewLoaded | None = None
        self._job: JobView | None = None
        self._at = 0  # 0 is the summary, from 1 on the sequences

    def compose(self) -> ComposeResult:
        yield Lines(id="dry-run-head")
        with Horizontal():
            yield DryRunPart(id="dry-run-summary")
            yield DryRunPart(id="dry-run-sequence")
        yield Lines(id="dry-run-keys")

    def on_mount(self) -> None:
        """Focus the summary."""
        for around in ("#dry-run-head", "#dry-run-keys"):
            self.query_one(around).can_focus = False
        self.query_one("#dry-run-summary").focus()
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Put summary and sequence side by side where both fit."""
        self.set_class(event.size.width < _SIDE_BY_SIDE, "-narrow")
        self.call_after_refresh(self._draw)

    def show(self, state: ConsoleState) -> None:
        """Follow the progress of the job."""
        job = state.job if state.job is not None and state.job.job == "preview" else None
        if job is not self._job:
            self._job = job
            self._draw_keys()

    def take(self, found: PreviewLoaded) -> None:
        """Show what was decided, or why it could not be."""
        self._found = found
        self._draw()

    def action_turn(self, by: int) -> None:
        """Show the next sequence, or the previous one."""
        if self._preview is not None:
            first = 0 if self.has_class("-narrow") else 1
            self._at = min(len(self._preview.sequences), max(first, self._shown_at + by))
            self._draw()
            self.query_one("#dry-run-sequence").scroll_to(y=0, animate=False)

    def action_back(self) -> None:
        """Go back to the form; what is still being decided is cancelled."""
        if not self.settled:
            messages.do_now(self, messages.CancelDryRun())
        self.dismiss()

    @property
    def settled(self) -> bool:
        """Whether it is known what would be learned, or why nothing can be said."""
        return self._found is not None

    @property
    def _preview(self) -> Preview | None:
        return None if self._found is None else self._found.preview

    @property
    def _shown_at(self) -> int:
        return self._at if self.has_class("-narrow") else max(1, self._at)

    def _draw(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        summary, sequence = self.query_one("#dry-run-summary"), self.query_one("#dry-run-sequence")
        narrow, preview = self.has_class("-narrow"), self._preview
        on_summary = self._shown_at == 0 or preview is None
        summary.display = on_summary or not narrow
        sequence.display = preview is not None and not (narrow and on_summary)
        if narrow:
            (summary if on_summary else sequence).focus()
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        """Draw both parts, once their widths are known."""
        summary, sequence = self.query_one("#dry-run-summary", Lines), self.query_one("#dry-run-sequence", Lines)
        preview = self._preview
        room = max(8, summary.scrollable_content_region.width)
        lines = self._problem() if preview is None else summary_lines(preview, _SENTENCES)
        summary.set_lines([self._readable(line) for line in folded(lines, room)])
        head = Text().append(" Dry run", "title").append(f" {self.glyphs.dot} nothing is trained", "dim")
        if preview is not None and self.request.generations > 1:
            head.append(f" {self.glyphs.dot} the first of {counted(self.request.generations, 'generation')}", "dim")
        if preview is not None and preview.sequences and sequence.display:
            view, count = preview.sequences[self._shown_at - 1], len(preview.sequences)
            head.append(f" {self.glyphs.dot} sequence {self._shown_at} of {count}", "key")
            width = max(8, sequence.scrollable_content_region.width)
            drawn = folded([*sequence_title(view, self.glyphs), Text(), legend(self.glyphs), Text()], width)
            sequence.set_lines([self._readable(line) for line in (*drawn, *token_lines(view, width, self.glyphs))])
        self.query_one("#dry-run-head", Lines).set_lines([self._readable(head)])
        self._draw_keys()

    def _problem(self) -> list[Text]:
        found = self._found
        if found is None:
            return [Text().append("reading the data and deciding, as the training would", "dim")]
        said = Text().append(f"{self.glyphs.rejected} {safe_line(found.problem)}", "bad")
        return [said, *([Text().append(safe_line(found.hint), "dim")] if found.hint else [])]

    def _draw_keys(self) -> None:
        stop = ("esc", "cancel") if not self.settled else ("esc", "back to the form")
        if not self.settled and self._job is not None:
            line = Text(" ").append_text(draw_job(self._job, self.size.width - 14, self.glyphs))
            line.append("   esc", "key").append(" cancels", "dim")
        elif self._preview is None:
            line = key_line([stop], self.glyphs)
        else:
            side = [] if self.has_class("-narrow") else [("tab", "other side")]
            line = key_line([("left right", "sequences"), ("up down", "scroll"), *side, stop], self.glyphs)
        self.query_one("#dry-run-keys", Lines).set_lines([self._readable(line)])

    def _readable(self, line: Text) -> Text:
        return in_ascii(line) if self.glyphs is ASCII else line
