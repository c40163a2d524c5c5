"""The console's own events beside the engine's: frozen values that the same reducer folds.

Work in a thread (loading, chatting, verifying) reports through these events, and never touches a widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from engine.core.events import VoiceSampled
    from engine.data.questions.answers import Proposal
    from engine.diagnostics.resource_monitor import ResourceSample
    from engine.pipeline.preview import Preview
    from engine.pipeline.request import TrainRequest
    from engine.service.inbox_import import Imported
    from engine.service.requests import ImportRequest
    from engine.workspace.chats.record import StoredChat
    from luna_tui.common.loss_curve import Curve

Mode = Literal["idle", "owner", "viewer"]


class ConsoleEvent(msgspec.Struct, frozen=True):
    """The base class of all console events."""


class LineageLoaded(ConsoleEvent, frozen=True):
    """The lineage was read: `rows` as `lineage --json` has them; `complete` is False for the outline of a first paint.

    `unfinished` names the generation of a run that can be resumed, `unfinished_parent` its parent (None: the base).
    """

    rows: tuple[Mapping[str, Any], ...]
    head: int | None
    complete: bool = True
    unfinished: int | None = None
    unfinished_parent: int | None = None


class SettingsLoaded(ConsoleEvent, frozen=True):
    """The parts of luna.toml that the screen shows: targets by score name, the base's name, planned steps by phase."""

    targets: Mapping[str, float]
    base: str
    plans: Mapping[str, Mapping[str, Any]]


class ModeChanged(ConsoleEvent, frozen=True):
    """Which process trains: none (`idle`), this one (`owner`), or another one whose journal is read (`viewer`)."""

    mode: Mode
    pid: int | None = None
    purpose: str = ""


class WorkspaceMissing(ConsoleEvent, frozen=True):
    """The workspace's folder has disappeared, or (`missing` False) exists again."""

    missing: bool


class StopRequested(ConsoleEvent, frozen=True):
    """A stop was requested; the run ends after its current step."""


class KarmaRead(ConsoleEvent, frozen=True):
    """The inbox's karma, and the karma needed; `action` is what age-up would do now, `why` the reason in words.

    `starts` is set if this console may do it without the user, `request` is what it would request of the engine.
    """

    karma: float
    needed: float
    action: Literal["wait", "train", "resume"]
    why: str
    starts: bool
    request: TrainRequest | None = None


class CurveLoaded(ConsoleEvent, frozen=True):
    """The loss curve of a recorded generation, None when no journal of it is left, and its answers during training."""

    gen: int
    curve: Curve | None
    voices: tuple[VoiceSampled, ...] = ()


class EvaluationLoaded(ConsoleEvent, frozen=True):
    """The evaluation of a generation with every item, as `eval --json` has it; None with `problem` when it failed."""

    ref: str
    evaluation: Mapping[str, Any] | None
    problem: str = ""


class MatrixLoaded(ConsoleEvent, frozen=True):
    """The forgetting matrix of a generation's line, as `matrix --json` has it; None with `problem` if it failed."""

    ref: str
    matrix: Mapping[str, Any] | None
    problem: str = ""


class DetailsLoaded(ConsoleEvent, frozen=True):
    """The manifest of a generation, for its page; None for a hand-written row."""

    gen: int
    manifest: Mapping[str, Any] | None


class JobStarted(ConsoleEvent, frozen=True):
    """A long job beside training has started: eval, matrix, verify, export, dry run or import."""

    job: str
    label: str


class JobProgress(ConsoleEvent, frozen=True):
    """The job's progress; `eta_s` is None while it cannot be estimated."""

    job: str
    label: str
    done: int
    total: int
    eta_s: float | None


class JobEnded(ConsoleEvent, frozen=True):
    """The job's result in one sentence, with further lines of detail."""

    job: str
    ok: bool
    message: str
    lines: tuple[str, ...] = ()


class MachineSampled(ConsoleEvent, frozen=True):
    """One sample of the machine's resources, and warnings about them."""

    sample: ResourceSample
    warnings: tuple[str, ...] = ()


class Noted(ConsoleEvent, frozen=True):
    """A message to the user: level is info, warning or error; `hint` is the remedy."""

    level: str
    text: str
    hint: str = ""


class PromptSent(ConsoleEvent, frozen=True):
    """A prompt was sent to one or more generations; `turn` numbers it. `kind` is chat or lineage.

    `histories` holds the turns before it, one tuple for each generation, where they are kept.
    """

    turn: int
    prompt: str
    refs: tuple[str, ...]
    options: Mapping[str, Any]
    kind: str = "chat"
    histories: tuple[tuple[str, ...], ...] = ()


class AnswerStarted(ConsoleEvent, frozen=True):
    """A generation is loaded and begins to answer."""

    turn: int
    index: int
    label: str
    gen: int | None


class AnswerPiece(ConsoleEvent, frozen=True):
    """The next piece of the answer's raw text."""

    turn: int
    index: int
    text: str


class AnswerEnded(ConsoleEvent, frozen=True):
    """The answer is complete: `stop_reason` is eos, length, stopped or error (then `problem` has the message).

    `continued` is set when the answer first continues the prompt instead of answering it.
    """

    turn: int
    index: int
    stop_reason: str
    tokens: int = 0
    ms_first_token: float | None = None
    tokens_per_s: float | None = None
    problem: str = ""
    continued: bool = False


class PreviewLoaded(ConsoleEvent, frozen=True):
    """What a training would learn and take; None with `problem` and `hint` when that could not be decided."""

    request: TrainRequest
    preview: Preview | None
    problem: str = ""
    hint: str = ""


class ImportLoaded(ConsoleEvent, frozen=True):
    """What a file or folder brings, or brought if `found.path` is set; None with `problem` and `hint` if it failed."""

    request: ImportRequest
    found: Imported | None
    problem: str = ""
    hint: str = ""


class QuestionsProposed(ConsoleEvent, frozen=True):
    """The questions that documents answer, and the file that the accepted ones go to."""

    proposals: tuple[Proposal, ...]
    path: Path


class QuestionsWritten(ConsoleEvent, frozen=True):
    """The accepted questions were written, `rows` of them; with `problem` none was, `exists` if a file is there."""

    path: Path
    rows: int = 0
    problem: str = ""
    exists: bool = False


class ChatsLoaded(ConsoleEvent, frozen=True):
    """All stored conversations, the one talked in last first, and what is wrong with files that are none."""

    chats: tuple[StoredChat, ...]
    problems: tuple[str, ...] = ()


class ChatReopened(ConsoleEvent, frozen=True):
    """A stored conversation is in the chat again, its turns numbered from `first` on."""

    chat: StoredChat
    first: int


class ChatsTold(ConsoleEvent, frozen=True):
    """What came of an export of a stored conversation, or of its way into the inbox."""

    text: str
    failed: bool = False


class AnswerRated(ConsoleEvent, frozen=True):
    """A rating or a correction of an answer was written to the inbox, with this `karma`."""

    turn: int
    index: int
    karma: int
    correction: str | None = None
