"""The chat as a frozen value: turns of raw prompts, each with one or more answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from engine.core.gen_label import gen_label
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import (
    AnswerEnded,
    AnswerPiece,
    AnswerRated,
    AnswerStarted,
    ChatReopened,
    ConsoleEvent,
    PromptSent,
)

if TYPE_CHECKING:
    from engine.workspace.chats.record import StoredChat

AnswerState = Literal["waiting", "streaming", "done"]

LINEAGE_ANSWERS = 12

_TURNS = 200
_TEXT = 200_000


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """One generation's answer as raw text; `stop_reason` is empty until it is complete."""

    ref: str
    label: str
    gen: int | None = None
    text: str = ""
    state: AnswerState = "waiting"
    stop_reason: str = ""
    tokens: int = 0
    ms_first_token: float | None = None
    tokens_per_s: float | None = None
    problem: str = ""
    karma: int | None = None
    correction: str | None = None
    continued: bool = False


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """A raw prompt and its answers; `kind` is chat, or lineage when it went to every generation.

    `histories` holds the turns before it for each answer, where turns are kept.
    """

    turn: int
    prompt: str
    options: Mapping[str, Any]
    answers: tuple[ChatAnswer, ...]
    kind: str = "chat"
    histories: tuple[tuple[str, ...], ...] = ()

    def asked(self, index: int) -> str:
        """Return what the answer at this place was given to: the prompt, behind the turns that are kept."""
        return "\n".join((*(self.histories[index] if index < len(self.histories) else ()), self.prompt))

    @property
    def busy(self) -> bool:
        """Whether an answer is still pending."""
        return any(answer.state != "done" for answer in self.answers)


@dataclass(frozen=True, slots=True)
class ChatState:
    """The latest turns, oldest first; their number is bounded."""

    turns: tuple[ChatTurn, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether an answer of the newest turn is still pending."""
        return bool(self.turns) and self.turns[-1].busy

    @property
    def next_turn(self) -> int:
        """The number of the next turn, starting at 1."""
        return self.turns[-1].turn + 1 if self.turns else 1


def lineage_refs(rows: Sequence[Mapping[str, Any]], head: int | None, most: int = LINEAGE_ANSWERS) -> tuple[str, ...]:
    """Return which generations a lineage prompt goes to: the base, the path to HEAD, then the branches, by GEN_ID.

    Of a path that is too long, the first generation and the last ones are kept: where the voice began, what it became.
    """
    parents: dict[int, int | None] = {int(row["GEN_ID"]): row["parent_gen"] for row in rows}
    way: list[int] = []
    at = head
    while at is not None and at in parents and at not in way:
        way.insert(0, at)
        at = parents[at]
    if len(way) > most - 1:
        way = [way[0], *way[-(most - 2) :]]
    aside = sorted(parents.keys() - set(way)) if len(way) < most - 1 else []
    aside = aside[-(most - 1 - len(way)) :]
    return ("base", *(f"G{gen}" for gen in (*way, *aside)))


def rival(
    by_gen: Mapping[int, Mapping[str, Any]], first: int | None, marked: Sequence[int | None], head: int | None
) -> str:
    """Return the generation that answers beside `first`: the one marked last, else its parent, the base or HEAD.

    Empty when there is no other generation.
    """
    parent = by_gen.get(first, {}).get("parent_gen") if first is not None else None
    for gen in (*reversed(marked), parent, None, head, *by_gen):
        if gen != first and (gen is None or gen in by_gen):
            return gen_label(gen)
    return ""


def kept_turns(turns: Sequence[ChatTurn], ref: str, since: int) -> tuple[str, ...]:
    """Return the prompts from turn `since` on with the answers that one generation gave to them, in order.

    A prompt that it did not answer is left out, so that roles alternate as in training.
    """
    said: list[str] = []
    for turn in turns:
        if turn.turn < since or turn.kind != "chat":
            continue
        for answer in turn.answers:
            text = answer.text if answer.correction is None else answer.correction
            if answer.ref == ref and answer.state == "done" and text.strip() and answer.stop_reason != "error":
                said += (turn.prompt, text)
                break
    return tuple(said)


def as_markdown(turns: Sequence[ChatTurn]) -> str:
    """Return turns as Markdown: what was asked in bold, and each answer under the generation that gave it."""
    parts: list[str] = []
    for turn in turns:
        parts.append(f"**{turn.prompt}**")
        parts += [f"{answer.label}: {answer.text}" for answer in turn.answers if answer.text.strip()]
    return "\n\n".join(parts) + "\n"


def reduce_chat(state: ChatState, event: ConsoleEvent) -> ChatState:
    """Return the chat after an event; events of a turn that was dropped change nothing."""
    if isinstance(event, PromptSent):
        answers = tuple(ChatAnswer(ref, ref) for ref in event.refs)
        turn = ChatTurn(event.turn, event.prompt, dict(event.options), answers, event.kind, event.histories)
        return replace(state, turns=(*state.turns, turn)[-_TURNS:])
    if isinstance(event, ChatReopened):
        return replace(state, turns=(*state.turns, *_reopened(event.chat, event.first))[-_TURNS:])
    if isinstance(event, AnswerStarted):
        label, gen = event.label, event.gen
        return _change(state, event.turn, event.index, lambda a: replace(a, label=label, gen=gen, state="streaming"))
    if isinstance(event, AnswerPiece):
        more = event.text
        return _change(state, event.turn, event.index, lambda a: replace(a, text=(a.text + more)[:_TEXT]))
    if isinstance(event, AnswerEnded):
        end = event
        return _change(
            state,
            event.turn,
            event.index,
            lambda a: replace(
                a,
                state="done",
                stop_reason=end.stop_reason,
                tokens=end.tokens,
                ms_first_token=end.ms_first_token,
                tokens_per_s=end.tokens_per_s,
                problem=end.problem,
                continued=end.continued,
            ),
        )
    if isinstance(event, AnswerRated):
        karma, correction = event.karma, event.correction
        return _change(state, event.turn, event.index, lambda a: replace(a, karma=karma, correction=correction))
    return state


def _reopened(chat: StoredChat, first: int) -> Iterator[ChatTurn]:
    """Yield the turns of a stored conversation, as if the generation that goes on with it had answered all of them."""
    said: list[str] = []
    for number, turn in enumerate(chat.turns, start=first):
        answer = ChatAnswer(
            chat.ref,
            turn.label,
            turn.gen,
            turn.answer,
            "done",
            turn.stop_reason,
            correction=turn.correction,
            continued=turn.continued,
        )
        histories = (tuple(said[-2 * turn.fed :]),) if turn.fed else ()
        options = {**SamplingOptions().as_mapping(), **turn.sampling}
        yield ChatTurn(number, turn.prompt, options, (answer,), histories=histories)
        if turn.usable:
            said += (turn.prompt, turn.said)


def _change(state: ChatState, turn: int, index: int, change: Callable[[ChatAnswer], ChatAnswer]) -> ChatState:
    turns = list(state.turns)
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].turn == turn and index < len(turns[place].answers):
            answers = list(turns[place].answers)
            answers[index] = change(answers[index])
            turns[place] = replace(turns[place], answers=tuple(answers))
            return replace(state, turns=tuple(turns))
    return state
