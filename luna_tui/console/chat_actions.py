"""The actions of talking: to one generation, to two, to all; and stored conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luna_tui.console import messages
from luna_tui.console.host import Host
from luna_tui.console.question_actions import QuestionActions
from luna_tui.console.state.console_state import reduce
from luna_tui.console.state.events import ChatReopened, ChatsLoaded, ChatsTold
from luna_tui.console.widgets.chat_panel import ChatPanel
from luna_tui.console.workers.link import Link

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat
    from luna_tui.console.screens.chats import ChatsScreen


class ChatActions(QuestionActions):
    """Opens the chat and its pages; the link answers, reads and writes."""

    def __init__(self, stage: Host, link: Link) -> None:
        super().__init__(stage, link)
        self._turn = 0
        self._chats_page: ChatsScreen | None = None

    def select(self, gen: int | None) -> None:
        """Select a generation; the controller has its own way."""
        raise NotImplementedError

    def do_chat(self) -> None:
        """Focus the chat prompt."""
        dashboard = self._dashboard()
        dashboard.go_to("chat")
        dashboard.query_one(ChatPanel).focus_prompt()

    def do_versus(self) -> None:
        """Open the chat with two generations at once."""
        dashboard = self._dashboard()
        dashboard.go_to("chat")
        dashboard.query_one(ChatPanel).versus()

    def do_ask_lineage(self) -> None:
        """Open the page where one prompt goes to every generation."""
        from luna_tui.console.screens.voice import VoiceScreen

        self._stage.push_screen(VoiceScreen(self._stage.glyphs, asking=True))
        self._refresh()

    def do_voice(self) -> None:
        """Open the page of the voice over time."""
        from luna_tui.console.screens.voice import VoiceScreen

        self._stage.push_screen(VoiceScreen(self._stage.glyphs))
        self._refresh()

    def do_chats(self) -> None:
        """Open the page of stored conversations, or read them again."""
        from luna_tui.console.screens.chats import ChatsScreen

        if not isinstance(self._stage.screen, ChatsScreen):
            self._chats_page = ChatsScreen(self._stage.glyphs)
            self._stage.push_screen(self._chats_page)
        self._link.load_chats()

    def ask(self, message: messages.Ask) -> None:
        """Send a prompt as the next turn of the chat."""
        self._turn = max(self._turn + 1, self.state.chat.next_turn)  # two may arrive before one is shown
        self._link.ask(
            self._turn,
            message.prompt,
            message.refs,
            message.options,
            message.kind,
            message.histories,
            message.since,
        )

    def hear_chats(self, message: messages.ChatIntent) -> None:
        """Carry out what the page of stored conversations requests for one of them."""
        if isinstance(message, messages.ReopenChat):
            self._reopen(message.chat)
        elif isinstance(message, messages.ExportChat):
            self._link.export_chat(message.chat, message.form)
        elif isinstance(message, messages.ChatToInbox):
            self._link.chat_to_inbox(message.chat)

    def heed_chats(self, event: ChatsLoaded | ChatsTold) -> None:
        """Show the conversations on their page, or there and in the log what came of a request."""
        page = self._chats_page
        if isinstance(event, ChatsTold):
            self.tell(event.text, "error" if event.failed else "info")
        if page is None or not page.is_attached:
            return
        if isinstance(event, ChatsLoaded):
            page.take_in(event.chats, event.problems)
        else:
            page.say(event.text, "bad" if event.failed else "good")

    def _reopen(self, chat: StoredChat) -> None:
        """Go on with a stored conversation in the chat pane, if the generation that answered last is still known."""
        gen = chat.turns[-1].gen if chat.turns else None
        refusal = ""
        if self.state.chat.busy:
            refusal = "an answer is still being written: c opens the chat, esc then . stops it"
        elif not chat.turns:
            refusal = "it has no whole turn to go on from"
        elif gen is not None and gen not in self.state.by_gen:
            refusal = f"{chat.ref}, which answered last, is not in this lineage"
        if refusal:
            self.tell(refusal, "warning")
            if self._chats_page is not None and self._chats_page.is_attached:
                self._chats_page.say(refusal, "warn")
            return
        first = max(self._turn + 1, self.state.chat.next_turn)
        self._turn = first + len(chat.turns) - 1
        self._link.reopen_chat(chat, first)
        dashboard = self._dashboard()
        self.select(gen)
        self._stage.change(reduce(self.state, ChatReopened(chat, first)))
        dashboard.go_to("chat")
        dashboard.query_one(ChatPanel).go_on(first)
