"""The conversations of one console: a file for each generation that is talked to, begun at its first answer."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import ConsoleEvent, Noted

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat
    from engine.workspace.chats.store import ChatLog
    from engine.workspace.layout import Workspace
    from ledger.errors import LedgerError


class ChatStore:
    """Writes turns and corrections in the calling thread, which is one of the engine's.

    A conversation is that of one generation since the turn from which turns are kept, 0 for single prompts.
    """

    def __init__(self, workspace: Workspace, tell: Callable[[ConsoleEvent], object]) -> None:
        self._workspace, self._tell = workspace, tell
        self._lock = Lock()
        self._logs: dict[tuple[str, int], ChatLog] = {}
        self._places: dict[tuple[int, int], tuple[ChatLog, int]] = {}
        self._shas: dict[int | None, str] = {}

    def add(
        self,
        place: tuple[int, int],
        conversation: tuple[str, int],
        prompt: str,
        answer: str,
        stop_reason: str,
        gen: int | None,
        options: SamplingOptions,
        *,
        continued: bool = False,
        fed: int = 0,
    ) -> None:
        """Store the answer at a place of the chat, its turn and index; a problem is told once a conversation."""
        from engine.workspace.chats.record import StoredTurn
        from engine.workspace.chats.store import ChatLog, sha_of

        with self._lock:
            log = self._logs.get(conversation)
            if log is None:
                log = self._logs[conversation] = ChatLog(self._workspace, kept=bool(conversation[1]))
            if gen not in self._shas:
                self._shas[gen] = sha_of(self._workspace, gen)
            turn = StoredTurn(
                time=log.time(),
                prompt=prompt,
                answer=answer,
                stop_reason=stop_reason,
                gen=gen,
                sha=self._shas[gen],
                sampling=options.as_mapping(),
                continued=continued,
                fed=fed,
            )
            self._note(log.add(turn))
            self._places[place] = (log, log.turns)

    def correct(self, place: tuple[int, int], answer: str) -> None:
        """Store what a person wrote instead of the answer at a place; nothing for an answer that is not stored."""
        with self._lock:
            if place in self._places:
                log, number = self._places[place]
                self._note(log.correct(number, answer))

    def reopen(self, chat: StoredChat, first: int) -> None:
        """Go on with a stored conversation, whose turns are those of the chat from `first` on."""
        from engine.workspace.chats.store import ChatLog

        with self._lock:
            known = [log for log in self._logs.values() if log.path == chat.path]
            log = known[0] if known else ChatLog(self._workspace, kept=True, resumed=chat)
            self._logs[chat.ref, first] = log
            self._places |= {(first + at, 0): (log, at + 1) for at in range(len(chat.turns))}

    def _note(self, error: LedgerError | None) -> None:
        if error is not None:
            self._tell(Noted("warning", f"this conversation is not stored: {error.where}: {error.title}", error.hint))
