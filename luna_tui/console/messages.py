"""The user's intents as messages from widgets and screens; only the app carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.dom import DOMNode
from textual.message import Message

from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from engine.data.questions.answers import Proposal
    from engine.evaluation.evaluate import Eval
    from engine.pipeline.request import TrainRequest
    from engine.service.requests import ImportRequest
    from engine.workspace.chats.record import StoredChat
    from luna_tui.common.chat_export import ExportFormat


@runtime_checkable
class Listener(Protocol):
    """An app that carries out an intent synchronously."""

    def hear(self, message: Message) -> None: ...


def do_now(node: DOMNode, intent: Message) -> None:
    """Carry out an intent at once: a message could still be on its way when the next key depends on its effect."""
    app = node.app
    if isinstance(app, Listener):
        app.hear(intent)
    else:
        node.post_message(intent)


@dataclass
class Act(Message):
    """Carry out the action of this name."""

    name: str


@dataclass
class Select(Message):
    """Select this generation (None: the base)."""

    gen: int | None


@dataclass
class Mark(Message):
    """Mark this generation for a comparison, or remove the mark."""

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
    """Evaluate this generation now, on all three evals or on the `only` one."""

    gen: int
    only: Eval | None = None


@dataclass
class NeedEvaluation(Message):
    """Request the recorded evaluation of this generation."""

    gen: int


@dataclass
class NeedMatrix(Message):
    """Request the forgetting matrix of the line to this generation."""

    gen: int


@dataclass
class FillMatrix(Message):
    """Compute the missing cells of this generation's forgetting matrix."""

    gen: int


@dataclass
class NeedDetails(Message):
    """Request the manifest of this generation."""

    gen: int


@dataclass
class Ask(Message):
    """Send a raw prompt to these generations; `kind` is chat or lineage, `histories` the turns kept for each.

    `since` is the turn from which turns are kept, 0 where they are not.
    """

    prompt: str
    refs: tuple[str, ...]
    options: SamplingOptions
    kind: str = "chat"
    histories: tuple[tuple[str, ...], ...] = ()
    since: int = 0


@dataclass
class CancelAnswers(Message):
    """Stop the answer in progress, and those that wait for the same prompt."""


@dataclass
class Rate(Message):
    """Store a rating or a correction of an answer."""

    rating: Rating


@dataclass
class ChatIntent(Message):
    """The base of what the page of stored conversations requests, for one of them."""

    chat: StoredChat


@dataclass
class ReopenChat(ChatIntent):
    """Go on with this conversation in the chat pane, its turns kept."""


@dataclass
class ExportChat(ChatIntent):
    """Write this conversation into a file."""

    form: ExportFormat


@dataclass
class ChatToInbox(ChatIntent):
    """Put this conversation into the inbox as a whole."""


class ReviewPage(Protocol):
    """The page of a review, which hears how the writing ended."""

    def written(self, words: str) -> None: ...

    def refused(self, words: str) -> None: ...


@dataclass
class WriteQuestions(Message):
    """Write the accepted questions of a review; `replace` allows to replace a file that is there."""

    page: ReviewPage
    proposals: tuple[Proposal, ...]
    replace: bool = False


@dataclass
class DryRun(Message):
    """Open the page of what this training would learn and take."""

    request: TrainRequest


@dataclass
class CancelDryRun(Message):
    """Stop deciding what a training would learn: its page is left."""


@dataclass
class ImportRows(Message):
    """Import a file or folder, or look at what it would bring."""

    request: ImportRequest


@dataclass
class CancelImport(Message):
    """Stop the import, or the look at it, that is going on."""


@dataclass
class Tell(Message):
    """Show a message to the user: level is info, warning or error."""

    text: str
    level: str = "warning"
    hint: str = ""


@dataclass
class MakeWorkspace(Message):
    """Create a workspace in this directory, with the demo's curriculum or empty, and open it; then import files."""

    directory: Path
    demo: bool
    own_files: bool = False


@dataclass
class OpenWorkspace(Message):
    """Open the existing workspace in this directory."""

    directory: Path
