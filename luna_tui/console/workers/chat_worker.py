"""Answers from generations, each loaded in a llama.cpp subprocess of its own: chat works while training runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.service.work import ChatSession
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerStarted, ConsoleEvent, Noted, PromptSent
from luna_tui.console.workers.chat_store import ChatStore
from luna_tui.console.workers.trouble import told
from probes.base import Prompt

if TYPE_CHECKING:
    from engine.runtime.protocol import StreamStats
    from engine.service.engine import Engine

Kept = tuple[tuple[str, ...], ...]
"""The turns before a prompt, for each generation that is asked; empty where turns are not kept."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A turn on its way: what each generation is given, and since which turn turns are kept; None: not stored."""

    turn: int
    refs: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    options: SamplingOptions
    since: int | None


class ChatWorker:
    """Prompts one generation after the other; the two that answered last stay loaded."""

    def __init__(self, engine: Engine, tell: Callable[[ConsoleEvent], object], log: Path, store: ChatStore) -> None:
        self._engine, self._emit, self._log = engine, tell, log
        self.store = store
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
        since: int = 0,
    ) -> None:
        """Send the prompt to each of these generations, in order, behind the turns that are kept for each.

        Answers of the kind `chat` are stored; with turns kept, those from turn `since` on are one conversation.
        """
        self._turn = turn
        self._emit(PromptSent(turn, prompt, tuple(refs), options.as_mapping(), kind, kept))
        texts = tuple((*history, prompt) for history in kept) or ((prompt,),) * len(refs)
        question = _Question(turn, tuple(refs), texts, options, since if kind == "chat" else None)
        self._engine.talk(lambda: self._answer_all(question))

    def cancel(self) -> None:
        """Cancel the answer in progress, and those that wait in the same turn."""
        self._cancelled_before = self._turn + 1
        if self._current is not None:
            self._current.cancel()

    def close(self) -> None:
        """Stop answering; the engine ends the subprocesses."""
        self.cancel()

    def _answer_all(self, question: _Question) -> None:
        turn = question.turn
        for index, ref in enumerate(question.refs):
            if turn < self._cancelled_before:
                self._emit(AnswerEnded(turn, index, "stopped"))
                continue
            try:
                self._answer(question, index)
            except Exception as error:
                self._forget(ref)
                problem = told(error, self._log)
                self._emit(AnswerEnded(turn, index, "error", problem=f"{problem.text} {problem.hint}".strip()))
            finally:
                self._current = None

    def _answer(self, question: _Question, index: int) -> None:
        turn, options, turns = question.turn, question.options, question.texts[index]
        session = self._session_of(question.refs[index])
        self._emit(AnswerStarted(turn, index, session.label, session.gen))
        self._current = session
        if turn < self._cancelled_before:  # cancelled while the model was loading
            self._emit(AnswerEnded(turn, index, "stopped"))
            return
        fed: Prompt = turns[-1]
        if len(turns) > 1:
            fed = session.newest_turns(turns, options.max_tokens)
            if left_out := len(turns) - len(fed):
                self._emit(Noted("info", f"the {left_out} oldest turns no longer fit the window and were left out"))
        before = (len(fed) - 1) // 2 if not isinstance(fed, str) else 0
        stats, pieces = None, list[str]()
        for event in session.stream(
            fed, max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed
        ):
            if event.text:
                pieces.append(event.text)
                self._emit(AnswerPiece(turn, index, event.text))
            stats = event.stats or stats
        self._store(question, index, "".join(pieces), stats, session.gen, before)
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

    def _store(
        self, question: _Question, index: int, answer: str, stats: StreamStats | None, gen: int | None, fed: int
    ) -> None:
        """Store an answer before its end is told: what the screen shows as complete is on the disk."""
        stop_reason = stats.stop_reason if stats else "stopped"
        if question.since is None or (stop_reason == "stopped" and not answer):
            return
        self.store.add(
            (question.turn, index),
            (question.refs[index], question.since),
            question.texts[index][-1],
            answer,
            stop_reason,
            gen,
            question.options,
            continued=stats is not None and stats.continued,
            fed=fed,
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
