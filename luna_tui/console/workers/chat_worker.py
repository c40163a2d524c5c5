"""Answers from generations, each loaded in a llama.cpp subprocess of its own: chat works while training runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.service.work import ChatSession
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerStarted, ConsoleEvent, Noted, PromptSent
from luna_tui.console.workers.trouble import told
from probes.base import Prompt

if TYPE_CHECKING:
    from engine.service.engine import Engine

Kept = tuple[tuple[str, ...], ...]
"""The turns before a prompt, for each generation that is asked; empty where turns are not kept."""


class ChatWorker:
    """Prompts one generation after the other; the two that answered last stay loaded."""

    def __init__(self, engine: Engine, tell: Callable[[ConsoleEvent], object], log: Path) -> None:
        self._engine, self._emit, self._log = engine, tell, log
        self._loaded: dict[str, ChatSession] = {}
        self._current: ChatSession | None = None
        self._cancelled_before = 0
        self._turn = 0

    def ask(
        self,
        turn: int,
        prompt: str,
        refs: Sequence[str],
        options: SamplingOptions,
        kind: str = "chat",
        kept: Kept = (),
    ) -> None:
        """Send the prompt to each of these generations, in order, behind the turns that are kept for each."""
        self._turn = turn
        self._emit(PromptSent(turn, prompt, tuple(refs), options.as_mapping(), kind, kept))
        asked = [(*history, prompt) for history in kept] or [(prompt,)] * len(refs)
        self._engine.talk(lambda: self._answer_all(turn, asked, tuple(refs), options))

    def cancel(self) -> None:
        """Cancel the answer in progress, and those that wait in the same turn."""
        self._cancelled_before = self._turn + 1
        if self._current is not None:
            self._current.cancel()

    def close(self) -> None:
        """Stop answering; the engine ends the subprocesses."""
        self.cancel()

    def _answer_all(
        self, turn: int, asked: Sequence[tuple[str, ...]], refs: tuple[str, ...], options: SamplingOptions
    ) -> None:
        for index, (ref, turns) in enumerate(zip(refs, asked, strict=True)):
            if turn < self._cancelled_before:
                self._emit(AnswerEnded(turn, index, "stopped"))
                continue
            try:
                self._answer(turn, index, turns, ref, options)
            except Exception as error:
                self._forget(ref)
                problem = told(error, self._log)
                self._emit(AnswerEnded(turn, index, "error", problem=f"{problem.text} {problem.hint}".strip()))
            finally:
                self._current = None

    def _answer(self, turn: int, index: int, turns: tuple[str, ...], ref: str, options: SamplingOptions) -> None:
        session = self._session_of(ref)
        self._emit(AnswerStarted(turn, index, session.label, session.gen))
        self._current = session
        if turn < self._cancelled_before:  # cancelled while the model was loading
            self._emit(AnswerEnded(turn, index, "stopped"))
            return
        stats = None
        fed: Prompt = turns[-1]
        if len(turns) > 1:
            fed = session.newest_turns(turns, options.max_tokens)
            if left_out := len(turns) - len(fed):
                self._emit(Noted("info", f"the {left_out} oldest turns no longer fit the window and were left out"))
        for event in session.stream(
            fed, max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed
        ):
            if event.text:
                self._emit(AnswerPiece(turn, index, event.text))
            stats = event.stats or stats
        if stats is None:
            self._emit(AnswerEnded(turn, index, "stopped"))
            return
        self._emit(
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

    def _session_of(self, ref: str) -> ChatSession:
        session = self._loaded.pop(ref, None)
        if session is None:
            while len(self._loaded) >= 2:
                self._engine.close_chat(self._loaded.pop(next(iter(self._loaded))))
            session = self._engine.open_chat(ref)
        self._loaded[ref] = session
        return session

    def _forget(self, ref: str) -> None:
        session = self._loaded.pop(ref, None)
        if session is not None:
            self._engine.close_chat(session)
