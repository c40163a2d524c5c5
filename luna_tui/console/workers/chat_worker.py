"""Answers from generations, each loaded in a llama.cpp child of its own: chat goes on while training runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.service.work import ChatSession
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerStarted, ConsoleEvent, PromptSent
from luna_tui.console.workers.trouble import told

if TYPE_CHECKING:
    from engine.service.engine import Engine


class ChatWorker:
    """Asks one generation after the other; the two that spoke last stay loaded."""

    def __init__(self, engine: Engine, tell: Callable[[ConsoleEvent], object], log: Path) -> None:
        self._engine, self._tell, self._log = engine, tell, log
        self._loaded: dict[str, ChatSession] = {}
        self._current: ChatSession | None = None
        self._cancelled_before = 0
        self._turn = 0

    def ask(self, turn: int, prompt: str, refs: Sequence[str], options: SamplingOptions, kind: str) -> None:
        """Send the prompt to each of these, in order."""
        self._turn = turn
        self._tell(PromptSent(turn, prompt, tuple(refs), options.as_mapping(), kind))
        self._engine.talk(lambda: self._answer_all(turn, prompt, tuple(refs), options))

    def cancel(self) -> None:
        """End the answer that is being written, and those that wait in the same turn."""
        self._cancelled_before = self._turn + 1
        if self._current is not None:
            self._current.cancel()

    def close(self) -> None:
        """Stop answering; the engine ends the children."""
        self.cancel()

    def _answer_all(self, turn: int, prompt: str, refs: tuple[str, ...], options: SamplingOptions) -> None:
        for index, ref in enumerate(refs):
            if turn < self._cancelled_before:
                self._tell(AnswerEnded(turn, index, "stopped"))
                continue
            try:
                self._answer(turn, index, prompt, ref, options)
            except Exception as error:
                self._forget(ref)
                problem = told(error, self._log)
                self._tell(AnswerEnded(turn, index, "error", problem=f"{problem.text} {problem.hint}".strip()))
            finally:
                self._current = None

    def _answer(self, turn: int, index: int, prompt: str, ref: str, options: SamplingOptions) -> None:
        talker = self._talker(ref)
        self._tell(AnswerStarted(turn, index, talker.label, talker.gen))
        self._current = talker
        if turn < self._cancelled_before:  # asked to stop while it was loading
            self._tell(AnswerEnded(turn, index, "stopped"))
            return
        stats = None
        for event in talker.stream(
            prompt, max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed
        ):
            if event.text:
                self._tell(AnswerPiece(turn, index, event.text))
            stats = event.stats or stats
        if stats is None:
            self._tell(AnswerEnded(turn, index, "stopped"))
            return
        self._tell(
            AnswerEnded(
                turn,
                index,
                stats.stop_reason,
                stats.tokens,
                stats.ms_first_token,
                stats.tokens_per_s,
                continued=stats.continued,
            )
        )

    def _talker(self, ref: str) -> ChatSession:
        talker = self._loaded.pop(ref, None)
        if talker is None:
            while len(self._loaded) >= 2:
                self._engine.close_chat(self._loaded.pop(next(iter(self._loaded))))
            talker = self._engine.open_chat(ref)
        self._loaded[ref] = talker
        return talker

    def _forget(self, ref: str) -> None:
        talker = self._loaded.pop(ref, None)
        if talker is not None:
            self._engine.close_chat(talker)
