"""The part of the console's link that chats, and that reads, reopens and carries off stored conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from engine.core.counted import counted
from luna_tui.common.engine_facade import EngineFacade
from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import AnswerRated, ChatsLoaded, ChatsTold, ConsoleEvent, Noted
from luna_tui.console.workers.chat_worker import ChatWorker, Kept

if TYPE_CHECKING:
    from queue import SimpleQueue

    from engine.service.poller import Poller
    from engine.workspace.chats.record import StoredChat
    from engine.workspace.layout import Workspace
    from luna_tui.common.chat_export import ExportFormat
    from luna_tui.console.workers.loader import Loader


class ChatsLink:
    """Answers through the chat worker, and works on files through the link's loader; results are events."""

    _facade: EngineFacade
    _workspace: Workspace
    _loader: Loader
    _news: SimpleQueue[ConsoleEvent]
    _chat: ChatWorker
    _poller: Poller | None

    def ask(
        self,
        turn: int,
        prompt: str,
        refs: Sequence[str],
        options: SamplingOptions,
        kind: str = "chat",
        kept: Kept = (),
        since: int = 0,
    ) -> None:
        """Send a raw prompt to these generations, behind the turns that are kept for each from turn `since` on."""
        self._chat.ask(turn, prompt, refs, options, kind, kept, since)

    def cancel_answers(self) -> None:
        """Cancel the answer in progress, and those that wait in the same turn."""
        self._chat.cancel()

    def rate(self, rating: Rating) -> None:
        """Write a rated answer to the inbox, as a row with karma."""

        def write() -> None:
            karma = self._facade.write_rating(self._workspace, rating)
            self._news.put(AnswerRated(rating.turn, rating.index, karma, rating.correction))
            asked = shorten(rating.prompt, 60, placeholder=" ...")
            how = "corrected" if rating.verdict == "corrected" else f"rated {rating.verdict}"
            self._news.put(Noted("info", f"karma {karma:+d} in the inbox: {asked!r} {how}"))
            if rating.correction is not None:
                self._chat.store.correct((rating.turn, rating.index), rating.correction)
            self._look_at_inbox()

        self._loader.do(write)

    def load_chats(self) -> None:
        """Read all stored conversations."""

        def read() -> None:
            chats, problems = self._facade.chats(self._workspace)
            above = f"{self._workspace.root}/"
            told = (f"{error.where.removeprefix(above)}: {error.title}" for error in problems)
            self._news.put(ChatsLoaded(tuple(chats), tuple(told)))

        self._loader.do(read)

    def reopen_chat(self, chat: StoredChat, first: int) -> None:
        """Go on in a stored conversation's file with the chat whose turns from `first` on are its own."""
        self._chat.store.reopen(chat, first)

    def export_chat(self, chat: StoredChat, form: ExportFormat) -> None:
        """Write a stored conversation into a file of `chats/exported`."""

        def write() -> str:
            from ledger.durable import write_durable
            from luna_tui.common.chat_export import ENDINGS, exported

            path = chat.path.parent / "exported" / f"{chat.id}{ENDINGS[form]}"
            write_durable(path, exported(chat, form).encode("utf-8", "backslashreplace"))
            return f"written to {path.relative_to(self._workspace.root)}"

        self._carry(write)

    def chat_to_inbox(self, chat: StoredChat) -> None:
        """Put a stored conversation into the inbox as a whole."""

        def write() -> str:
            taken = self._facade.chat_to_inbox(self._workspace, chat)
            self._look_at_inbox()
            more = f", {taken.left_out} left out" if taken.left_out else ""
            return f"{counted(taken.answers, 'answer')} in {counted(taken.rows, 'row')} for the inbox{more}"

        self._carry(write)

    def _carry(self, work: Callable[[], str]) -> None:
        """Do work on a conversation, and tell what came of it, or why nothing did."""
        from engine.core.errors import LunaError
        from ledger.errors import LedgerError

        def told() -> None:
            try:
                self._news.put(ChatsTold(work()))
            except (LunaError, LedgerError) as error:
                self._news.put(ChatsTold(f"{error.title}: {error.hint}" if error.hint else error.title, failed=True))

        self._loader.do(told)

    def _look_at_inbox(self) -> None:
        if self._poller is not None:
            self._poller.look_now()
