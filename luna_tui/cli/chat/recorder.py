"""Stores what is said on the command line as a conversation of the workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from luna_tui.cli.chat.answer import Answer
from luna_tui.common.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat
    from engine.workspace.chats.store import ChatLog
    from engine.workspace.layout import Workspace


class Recorder:
    """Writes each answer as it ends; where that fails, `warn` is called once and the chat goes on.

    Without a workspace nothing is stored.
    """

    def __init__(
        self,
        workspace: Workspace | None,
        warn: Callable[[str], object],
        *,
        kept: bool,
        resumed: StoredChat | None = None,
    ) -> None:
        self._workspace, self._warn = workspace, warn
        self._log: ChatLog | None = None
        self._shas: dict[int | None, str] = {}
        self.begin(kept=kept, resumed=resumed)

    def begin(self, *, kept: bool, resumed: StoredChat | None = None) -> None:
        """Go on in a new conversation, whose file is created with its first answer, or in the resumed one."""
        from engine.workspace.chats.store import ChatLog

        if self._workspace is not None:
            self._log = ChatLog(self._workspace, kept=kept, resumed=resumed)

    def add(self, answer: Answer, sampling: SamplingOptions) -> None:
        """Store an answer; one that was stopped before its first token is none."""
        from engine.workspace.chats.record import StoredTurn
        from engine.workspace.chats.store import sha_of

        if self._workspace is None or self._log is None or (answer.stop_reason == "stopped" and not answer.text):
            return
        if answer.gen not in self._shas:
            self._shas[answer.gen] = sha_of(self._workspace, answer.gen)
        turn = StoredTurn(
            time=self._log.time(),
            prompt=answer.prompt,
            answer=answer.text,
            stop_reason=answer.stop_reason,
            gen=answer.gen,
            sha=self._shas[answer.gen],
            sampling=sampling.as_mapping() | ({"top_p": sampling.top_p} if sampling.top_p != 1.0 else {}),
            continued=answer.continued,
            fed=answer.fed,
        )
        if error := self._log.add(turn):
            self._warn(f"this conversation is not stored: {error.where}: {error.title}")
