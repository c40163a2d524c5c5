"""The chat pane: the conversation above, the prompt below; one generation answers, or two answer the same prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, TypeVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from engine.core.gen_label import gen_label
from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.common.terminal import UNICODE, Glyphs
from luna_tui.console import messages
from luna_tui.console.render.conversation import chat_keys, chat_options, chat_title
from luna_tui.console.state.chat_state import ChatAnswer, ChatTurn, kept_turns, rival
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.conversation import Conversation
from luna_tui.console.widgets.lines import Lines
from luna_tui.console.widgets.prompt_input import PromptInput

TEMPERATURES = (0.0, 0.7, 1.0)
MAX_TOKENS = (32, 128, 512)

_Choice = TypeVar("_Choice", int, float)


class ChatPanel(Vertical):
    """The chat with the selected generation; `versus` adds a second one beside it."""

    DEFAULT_CSS = """
    ChatPanel > #chat-head { height: 1; display: none; }
    ChatPanel.-bare > #chat-head { display: block; }
    ChatPanel > Horizontal { height: auto; }
    ChatPanel #prompt-sign { width: 2; height: 1; color: $foreground 60%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "rate('good')", "good", show=False),
        Binding("minus", "rate('bad')", "bad", show=False),
        Binding("e", "correct", "correct", show=False),
        Binding("r", "again", "again", show=False),
        Binding("full_stop", "stop", "stop", show=False),
        Binding("escape", "leave", "leave", show=False),
        Binding("enter", "write", "write", show=False),
        Binding("T", "sample('temperature')", "temperature", show=False),
        Binding("M", "sample('max_tokens')", "longest answer", show=False),
        Binding("S", "sample('seed')", "seed", show=False),
        Binding("k", "keep", "keep the turns", show=False),
    ]

    state: reactive[ConsoleState | None] = reactive(None, repaint=False, init=False)

    def __init__(self, *, id: str | None = None, title: str = "", glyphs: Glyphs = UNICODE) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = title
        self.glyphs = glyphs
        self.options = SamplingOptions()
        self._other = ""
        self._sent = 0
        self._kept_since = 0  # the first turn that is kept, 0 where each prompt is asked on its own
        self._shown = ("", "")

    def compose(self) -> ComposeResult:
        yield Lines(id="chat-head")
        yield Conversation(id="conversation", glyphs=self.glyphs)
        with Horizontal():
            yield Static(">", id="prompt-sign", markup=False)
            yield PromptInput(id="prompt", glyphs=self.glyphs, placeholder="a raw prompt; enter sends, ctrl+j new line")

    def on_mount(self) -> None:
        """Show the title at once; it does not depend on the lineage."""
        self.query_one("#chat-head").can_focus = False
        self._heading()
        self.watch_state(self.state)

    def watch_state(self, state: ConsoleState | None) -> None:
        """Pass the state on to the conversation, and show who answers."""
        if state is None or not self.query(Conversation):
            return
        known = {gen_label(gen) for gen in (None, *state.by_gen)} - {gen_label(state.ui.selected)}
        if self._other and self._other not in known:
            self._other = self._rival()
        self._heading()
        self._conversation.state = state

    def focus_prompt(self) -> None:
        """Move the focus to the prompt."""
        self._prompt.focus()

    def focus_log(self) -> None:
        """Move the focus to the conversation, not the prompt."""
        self._conversation.focus()

    def versus(self) -> None:
        """Choose a second generation to answer beside the first: the marked one, else the parent; or drop it again."""
        if self._other:
            self._other = ""
        else:
            self._other = self._rival()
            if not self._other:
                self.post_message(messages.Tell("there is only the base to talk to yet"))
        self._heading()

    def names(self) -> tuple[str, ...]:
        """Return the references of the generations that answer the next prompt."""
        first = gen_label(self.state.ui.selected if self.state else None)
        return (first, self._other) if self._other else (first,)

    def _rival(self) -> str:
        state = self.state
        return rival(state.by_gen, state.ui.selected, state.ui.marked, state.head) if state else ""

    @property
    def busy(self) -> bool:
        """Whether an answer is still pending, including one to a prompt whose turn has not begun yet."""
        chat = self.state.chat if self.state else None
        return chat is not None and (chat.busy or chat.next_turn == self._sent)

    # Prompts

    @on(PromptInput.Sent)
    def _send(self, message: PromptInput.Sent) -> None:
        message.stop()
        if message.prompt.strip() and self._ask(message.prompt, self.names(), self.options):
            self._prompt.remember(message.prompt)

    @on(PromptInput.Left)
    def _leave_prompt(self, message: PromptInput.Left) -> None:
        message.stop()
        self.focus_log()

    def _ask(self, prompt: str, refs: tuple[str, ...], options: SamplingOptions) -> bool:
        if self.state is None:
            return False
        if self.busy:
            self.post_message(messages.Tell("an answer is still being written: escape, then . stops it"))
            return False
        chat, since = self.state.chat, self._kept_since
        self._sent = chat.next_turn
        histories = tuple(kept_turns(chat.turns, ref, since) for ref in refs) if since else ()
        self.post_message(messages.Ask(prompt, refs, options, histories=histories, since=since))
        return True

    def go_on(self, first: int) -> None:
        """Go on with the conversation whose turns are those from `first` on: they are kept, and one answers."""
        self._kept_since, self._other = first, ""
        self._heading()
        self.focus_prompt()

    def action_keep(self) -> None:
        """Keep the turns from now on, fed as conversations are in training, or ask each prompt on its own again."""
        self._kept_since = 0 if self._kept_since or self.state is None else self.state.chat.next_turn
        self._heading()

    def action_again(self) -> None:
        """Send the same prompt to the same generations with the next seed."""
        meant = self._conversation.meant()
        if meant is None:
            self.post_message(messages.Tell("there is no prompt to send again yet"))
            return
        turn = meant[0]
        options = replace(self.options, seed=int(turn.options.get("seed", 0)) + 1)
        if self._ask(turn.prompt, tuple(answer.ref for answer in turn.answers), options):
            self.options = options
            if options.temperature == 0:
                said = "T 0 is greedy: whatever the seed, the answer is the same; T changes the temperature"
                self.post_message(messages.Tell(said, "info"))
            self._heading()

    def action_stop(self) -> None:
        """Cancel the answer in progress."""
        if self.busy:
            self.post_message(messages.CancelAnswers())
        else:
            self.post_message(messages.Tell("no answer is being written", "info"))

    async def action_leave(self) -> None:
        """Cancel the answer in progress, or go back to the lineage."""
        if self.busy:
            self.post_message(messages.CancelAnswers())
        else:
            await self.run_action("app.pane('lineage')")

    def action_write(self) -> None:
        """Focus the prompt."""
        self.focus_prompt()

    # Ratings

    def action_rate(self, verdict: str) -> None:
        """Write a good or bad rating of the answer into the inbox."""
        meant = self._ratable()
        if meant is None:
            return
        turn, index, answer = meant
        good = verdict == "good"
        if good and (answer.stop_reason != "eos" or not answer.text.strip()):
            self.post_message(messages.Tell("an answer that did not end by itself is no example: e corrects it"))
        elif answer.correction is None and answer.karma is not None and (answer.karma > 0) == good:
            self.post_message(messages.Tell(f"this answer is rated {verdict} already", "info"))
        else:
            said = "good" if good else "bad"
            self.post_message(messages.Rate(Rating(turn.turn, index, turn.asked(index), answer.text, answer.gen, said)))

    def action_correct(self) -> None:
        """Open the dialog for writing what the answer should have been."""
        from luna_tui.console.widgets.correct_dialog import CorrectAnswer  # a page is imported when it is first opened

        meant = self._ratable()
        if meant is None:
            return
        turn, index, answer = meant

        def correct(text: str | None) -> None:
            if text is not None:
                rating = Rating(turn.turn, index, turn.asked(index), answer.text, answer.gen, "corrected", text)
                self.post_message(messages.Rate(rating))

        before = answer.text if answer.correction is None else answer.correction
        self.app.push_screen(CorrectAnswer(turn.prompt, before, answer.label, self.glyphs), correct)

    def _ratable(self) -> tuple[ChatTurn, int, ChatAnswer] | None:
        meant = self._conversation.meant()
        if meant is None:
            self.post_message(messages.Tell("there is no answer to rate yet"))
            return None
        answer = meant[2]
        if answer.state != "done":
            self.post_message(messages.Tell("the answer is not complete yet: . stops it"))
            return None
        if answer.stop_reason == "error":
            self.post_message(messages.Tell("this is no answer but an error: r asks again"))
            return None
        return meant

    # Sampling options

    def action_sample(self, option: Literal["temperature", "max_tokens", "seed"]) -> None:
        """Switch to greedy or sampled answers, the next limit on the length of an answer, or the next seed."""
        now = self.options
        if option == "temperature":
            self.options = replace(now, temperature=_next(TEMPERATURES, now.temperature))
        elif option == "max_tokens":
            self.options = replace(now, max_tokens=_next(MAX_TOKENS, now.max_tokens))
        else:
            self.options = replace(now, seed=now.seed + 1)
        self._heading()

    # The border, or the line that replaces it where there is none

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the conversation's keys while it has the focus."""
        self._heading()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Show the sampling options again."""
        self.call_later(self._heading)

    def on_resize(self, event: events.Resize) -> None:
        """Redraw the title: narrow screens have no borders to show it in."""
        self._heading()

    def _heading(self) -> None:
        conversation, names = self._conversation, self.names()
        conversation.answerers = " and ".join(names)
        conversation.redraw()
        kept = bool(self._kept_since)
        title, options = chat_title(names, self.glyphs, kept=kept), self.options.as_mapping() | {"kept": kept}
        bare = self.outer_size.height == self.size.height
        self.set_class(bare, "-bare")
        room = self.size.width - (len(title) + 2 if bare else 2)
        under = Text(chat_options(options, self.glyphs), "dim")
        if conversation.has_focus:
            under = chat_keys(options, room, busy=self.busy)
        if bare:
            line = Text().append(title, "title").append("  ").append_text(under)
            line.truncate(self.size.width)
            self.query_one("#chat-head", Lines).set_lines([line])
        elif self._shown != (title, under.plain):
            self._shown = (title, under.plain)
            self.border_title, self.border_subtitle = Content(title), Content(under.plain)

    @property
    def _conversation(self) -> Conversation:
        return self.query_one(Conversation)

    @property
    def _prompt(self) -> PromptInput:
        return self.query_one(PromptInput)


def _next(choices: tuple[_Choice, ...], now: _Choice) -> _Choice:
    return choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]
