"""The voice over time: samples during training, and one prompt to every generation."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.render.conversation import shown_line
from luna_tui.console.render.status import draw_notice, draw_status
from luna_tui.console.render.voice_page import asked_of, draw_lineage_answers, draw_no_voices, draw_voices
from luna_tui.console.state.chat_state import ChatTurn, lineage_refs
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.lines import Lines
from luna_tui.console.widgets.pane import Pane
from luna_tui.console.widgets.prompt_input import PromptInput

if TYPE_CHECKING:
    from engine.core.events import VoiceSampled

_SIDE_BY_SIDE = 120


class VoiceSamples(Pane):
    """The model's answers during training: of the current run, else of the run that made the selected generation."""

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (voices_shown(state)[1], state.training)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        width = self.scrollable_content_region.width
        lines = draw_voices(voices_shown(state)[1], width, self.glyphs)
        self.set_lines(lines or draw_no_voices(width, self.glyphs, training=state.training))


class LineageAnswers(Pane):
    """The answers to the newest prompt that went to every generation."""

    def __init__(self, *, id: str, glyphs: Glyphs) -> None:
        super().__init__(id=id, glyphs=glyphs)
        self.remove_class("pane")  # the container around it has the border

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (asked_last(state), state.by_gen, state.head)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        width = self.scrollable_content_region.width
        self.set_lines(draw_lineage_answers(asked_last(state), state.by_gen, state.head, width, self.glyphs))


class VoiceScreen(Screen[None]):
    """Both parts of the voice page; with `asking` the cursor starts in the prompt that goes to every generation."""

    DEFAULT_CSS = """
    VoiceScreen > #voice-status, VoiceScreen > #voice-notice, VoiceScreen > #voice-keys { height: 1; }
    VoiceScreen > #voice-status { background: $panel; }
    VoiceScreen #voice-parts { height: 1fr; layout: vertical; }
    VoiceScreen.-wide #voice-parts { layout: horizontal; }
    VoiceScreen #voice-samples { height: 1fr; }
    VoiceScreen.-asking #voice-samples { height: 2fr; }
    VoiceScreen #voice-lineage { height: 1fr; }
    VoiceScreen.-asking #voice-lineage { height: 3fr; }
    VoiceScreen.-wide #voice-samples, VoiceScreen.-wide #voice-lineage { height: 1fr; width: 1fr; }
    VoiceScreen #voice-samples, VoiceScreen #voice-answers { scrollbar-gutter: stable; }
    VoiceScreen #voice-answers {
        scrollbar-color: $panel;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    VoiceScreen #voice-ask { height: auto; }
    VoiceScreen #prompt-sign { width: 2; height: 1; color: $foreground 60%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False),
        Binding("full_stop", "stop", "stop", show=False),
        Binding("enter", "write", "write", show=False),
    ]

    def __init__(self, glyphs: Glyphs, *, asking: bool = False) -> None:
        super().__init__(classes="-asking" if asking else None)
        self.glyphs = glyphs
        self._asking = asking
        self._state: ConsoleState | None = None
        self._sent = 0

    def compose(self) -> ComposeResult:
        yield Lines(id="voice-status")
        with Container(id="voice-parts"):
            yield VoiceSamples(id="voice-samples", title="While it trained", glyphs=self.glyphs)
            with Vertical(id="voice-lineage", classes="pane"):
                yield LineageAnswers(id="voice-answers", glyphs=self.glyphs)
                with Horizontal(id="voice-ask"):
                    yield Static(">", id="prompt-sign", markup=False)
                    yield PromptInput(
                        id="voice-prompt", glyphs=self.glyphs, placeholder="a raw prompt to every generation"
                    )
        yield Lines(id="voice-notice")
        yield Lines(id="voice-keys")

    def on_mount(self) -> None:
        """Show the state and focus the part that the user opened the page for."""
        if self._state is not None:
            self.show(self._state)
        for line in ("#voice-status", "#voice-notice", "#voice-keys"):
            self.query_one(line).can_focus = False
        self.query_one("#voice-prompt" if self._asking else "#voice-samples").focus()

    def on_resize(self, event: events.Resize) -> None:
        """Put both parts side by side where they fit."""
        self.set_class(event.size.width >= _SIDE_BY_SIDE, "-wide")
        self._frame()

    def show(self, state: ConsoleState) -> None:
        """Store the new state and pass it to both parts."""
        self._state = state
        for pane in self.query(Pane):
            pane.state = state
        self._frame()

    @property
    def busy(self) -> bool:
        """Whether an answer is still pending."""
        state = self._state
        return state is not None and (state.chat.busy or state.chat.next_turn == self._sent)

    @on(PromptInput.Sent)
    def _send(self, message: PromptInput.Sent) -> None:
        state = self._state
        if state is None or not message.prompt.strip():
            return
        if self.busy:
            self.post_message(messages.Tell("answers are still being written: escape, then . stops them"))
            return
        self._sent = state.chat.next_turn
        refs = lineage_refs(state.rows or (), state.head)
        self.post_message(messages.Ask(message.prompt, refs, SamplingOptions(), "lineage"))
        self.query_one(PromptInput).remember(message.prompt)

    @on(PromptInput.Left)
    def _leave_prompt(self) -> None:
        self.query_one("#voice-answers").focus()

    def action_leave(self) -> None:
        """Return to the dashboard; pending answers continue."""
        self.dismiss()

    def action_stop(self) -> None:
        """Cancel the answers that are still pending."""
        if self.busy:
            self.post_message(messages.CancelAnswers())
        else:
            self.post_message(messages.Tell("no answer is being written", "info"))

    def action_write(self) -> None:
        """Focus the prompt."""
        self.query_one(PromptInput).focus()

    def _frame(self) -> None:
        """Update the titles and the lines at the top and the bottom."""
        state, width = self._state, self.size.width
        if state is None or not width or not self.query(Pane):
            return
        turn = asked_last(state)
        name = shown_line(voices_shown(state)[0], self.glyphs)
        dot = self.glyphs.dot
        _title(self.query_one("#voice-samples"), f"While {name} trained")
        _title(self.query_one("#voice-lineage"), "Down the lineage" + (f" {dot} {asked_of(turn)}" if turn else ""))
        self._line("#voice-status", draw_status(state, width, self.glyphs, time.time()))
        self._line("#voice-notice", draw_notice(state, width, self.glyphs))
        self._line("#voice-keys", _keys(busy=state.chat.busy))

    def _line(self, where: str, text: Text) -> None:
        self.query_one(where, Lines).set_lines([text])


def voices_shown(state: ConsoleState) -> tuple[str, tuple[VoiceSampled, ...]]:
    """Return the name of the run or generation whose samples are shown, and these samples."""
    gen = state.ui.selected
    recorded = state.recorded_voices.get(gen, ()) if gen is not None and not state.training else ()
    if recorded:
        return f"G{gen} {(state.row(gen) or {}).get('phase') or ''}".strip(), recorded
    return (state.run.name if state.voices else "it"), state.voices


def asked_last(state: ConsoleState) -> ChatTurn | None:
    """Return the newest prompt that went to the whole lineage."""
    return next((turn for turn in reversed(state.chat.turns) if turn.kind == "lineage"), None)


def _title(widget: Widget, title: str) -> None:
    content = Content(title)
    if widget.border_title != content.markup:
        # Textual accepts Content here, though its annotation says str; a str would be parsed as markup.
        widget.border_title = content  # pyright: ignore[reportAttributeAccessIssue]


def _keys(*, busy: bool) -> Text:
    text = Text(" ")
    stop = [(".", "stop")] if busy else []
    for key, word in [("esc", "back"), ("tab", "next part"), ("enter", "ask every generation"), *stop]:
        text.append(key, "key").append(f" {word}  ", "dim")
    return text
