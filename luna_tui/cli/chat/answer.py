"""Generates one answer to one raw prompt, with Ctrl-C handling."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from engine.service.work import ChatSession
from luna_tui.common.sampling_options import SamplingOptions


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer with its figures; `continued` is set when it first continues the prompt."""

    gen: int | None
    prompt: str
    text: str
    tokens: int
    ms_first_token: float
    tokens_per_s: float
    stop_reason: str
    continued: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return exactly the fields of `chat --json`."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "continued"}


def answer(model: ChatSession, prompt: str, sampling: SamplingOptions, on_text: Callable[[str], None]) -> Answer:
    """Stream an answer piece by piece to `on_text` (raw text) and return the complete answer."""
    options: dict[str, Any] = {"top_p": sampling.top_p} if sampling.top_p != 1.0 else {}
    pieces: list[str] = []
    stats = None
    for event in model.stream(
        prompt, max_tokens=sampling.max_tokens, temperature=sampling.temperature, seed=sampling.seed, **options
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
