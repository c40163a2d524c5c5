"""What the tests of the chat pane share: things that are said, and a person who types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.pilot import Pilot
from tui.conftest import until
from tui.fake_link import FakeLink

from engine.core.events import Event
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.app import LunaApp
from luna_tui.console.state.events import AnswerEnded, AnswerPiece, AnswerStarted, ConsoleEvent, PromptSent
from luna_tui.console.widgets.prompt_input import PromptInput

GREEDY = SamplingOptions().as_mapping()


def said(
    turn: int, prompt: str, refs: Sequence[str], *texts: str, stop: str = "eos", kind: str = "chat", seed: int = 0
) -> list[ConsoleEvent]:
    """A prompt and the whole answers to it."""
    happened: list[ConsoleEvent] = [PromptSent(turn, prompt, tuple(refs), {**GREEDY, "seed": seed}, kind)]
    for index, (ref, text) in enumerate(zip(refs, texts, strict=False)):
        gen = None if ref == "base" else int(ref[1:])
        happened += [AnswerStarted(turn, index, ref, gen), AnswerPiece(turn, index, text)]
        happened.append(AnswerEnded(turn, index, stop, 9, 41.0, 179.0))
    return happened


async def happen(app: LunaApp, link: FakeLink, pilot: Pilot[Any], *news: Event | ConsoleEvent) -> None:
    """Let these happen, and wait until the screen has taken them in."""
    link.give(*news)
    await until(lambda: not link.pending)
    await pilot.pause()


async def write(pilot: Pilot[Any], text: str) -> None:
    """Type into the prompt."""
    if not isinstance(pilot.app.focused, PromptInput):
        await pilot.press("c")
        await until(lambda: isinstance(pilot.app.focused, PromptInput))
    pilot.app.focused.insert(text)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
    await pilot.pause()


def prompt_of(app: LunaApp) -> PromptInput:
    return app.screen.query_one("#prompt", PromptInput)
