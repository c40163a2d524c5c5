"""Generates one answer to one raw prompt, with Ctrl-C handling."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from engine.service.work import ChatSession
from luna_tui.common.sampling_options import SamplingOptions
from probes.base import Prompt

_NOT_IN_JSON = ("continued", "left_out", "fed")


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer with its figures; `continued` is set when it first continues the prompt.

    `fed` is how many prompts with their answers it was given before this one, `left_out` how many texts of them no
    longer fitted the window.
    """

    gen: int | None
    prompt: str
    text: str
    tokens: int
    ms_first_token: float
    tokens_per_s: float
    stop_reason: str
    continued: bool = False
    left_out: int = 0
    fed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return exactly the fields of `chat --json`."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in _NOT_IN_JSON}


def answer(
    model: ChatSession,
    prompt: str,
    sampling: SamplingOptions,
    on_text: Callable[[str], None],
    history: Sequence[str] = (),
) -> Answer:
    """Stream an answer piece by piece to `on_text` (raw text) and return the complete answer.

    `history` holds the turns before the prompt, a person's first; the oldest are left out where the window is full.
    """
    asked: Prompt = model.newest_turns((*history, prompt), sampling.max_tokens) if history else prompt
    options: dict[str, Any] = {"top_p": sampling.top_p} if sampling.top_p != 1.0 else {}
    pieces: list[str] = []
    stats = None
    for event in model.stream(
        asked, max_tokens=sampling.max_tokens, temperature=sampling.temperature, seed=sampling.seed, **options
    ):
        if event.text:
            pieces.append(event.text)
            on_text(event.text)
        stats = event.stats or stats
    return Answer(
        gen=model.gen,
        prompt=prompt,
        text="".join(pieces),
        tokens=stats.tokens if stats else 0,
        ms_first_token=round(stats.ms_first_token, 3) if stats else 0.0,
        tokens_per_s=round(stats.tokens_per_s, 3) if stats else 0.0,
        stop_reason=stats.stop_reason if stats else "stopped",
        continued=stats.continued if stats else False,
        left_out=len(history) + 1 - len(asked) if history else 0,
        fed=(len(asked) - 1) // 2 if history else 0,
    )


@contextlib.contextmanager
def ctrl_c_cancels(model: ChatSession) -> Iterator[None]:
    """Let the first Ctrl-C cancel the answer, so that the model stays usable; the second one interrupts."""
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        model.cancel()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
