"""What a person wants, as messages from widgets and screens; the app alone knows what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.dom import DOMNode
from textual.message import Message

from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from engine.evaluation.evaluate import Eval


@runtime_checkable
class Listener(Protocol):
    """An app that carries out an intent when it is told."""

    def hear(self, message: Message) -> None: ...


def do_now(node: DOMNode, intent: Message) -> None:
    """Carry out an intent at once, where a message would still be on its way when the next key asks for its effect."""
    app = node.app
    if isinstance(app, Listener):
        app.hear(intent)
    else:
        node.post_message(intent)


@dataclass
class Act(Message):
    """Do the action of this name."""

    name: str


@dataclass
class Select(Message):
    """Look at this generation (None: the base)."""

    gen: int | None


@dataclass
class Mark(Message):
    """Mark this generation for a comparison, or take the mark away."""

    gen: int | None


@dataclass
class OpenGeneration(Message):
    """Open the page of this generation."""

    gen: int


@dataclass
class OpenItems(Message):
    """Open the list of this generation's exam items and tone answers."""

    gen: int


@dataclass
class Examine(Message):
    """Examine this generation now, or in `only` one of the three evals."""

    gen: int
    only: Eval | None = None


@dataclass
class NeedEvaluation(Message):
    """The recorded examination of this generation is wanted."""

    gen: int


@dataclass
class NeedMatrix(Message):
    """The forgetting matrix of the line to this generation is wanted."""

    gen: int


@dataclass
class FillMatrix(Message):
    """Ask for the cells that are missing in it."""

    gen: int


@dataclass
class NeedDetails(Message):
    """The manifest of this generation is wanted."""

    gen: int


@dataclass
class Ask(Message):
    """Send a raw prompt to these generations; `kind` is chat or lineage."""

    prompt: str
    refs: tuple[str, ...]
    options: SamplingOptions
    kind: str = "chat"


@dataclass
class CancelAnswers(Message):
    """Stop the answer that is being written."""


@dataclass
class Rate(Message):
    """Rate or correct an answer."""

    rating: Rating


@dataclass
class Tell(Message):
    """Say something to the person: level is info, warning or error."""

    text: str
    level: str = "warning"
    hint: str = ""


@dataclass
class MakeWorkspace(Message):
    """Make a workspace here, with the demo's curriculum or empty, and open it."""

    directory: Path
    demo: bool


@dataclass
class OpenWorkspace(Message):
    """Open a workspace that exists."""

    directory: Path
