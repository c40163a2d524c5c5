"""What happens in the console beside the engine's own events: frozen values that the same reducer folds.

Whatever works in a thread (loading, chatting, verifying) tells its news this way, and never touches a widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from engine.core.events import VoiceSampled
    from engine.diagnostics.resource_monitor import ResourceSample
    from engine.pipeline.request import TrainRequest
    from luna_tui.common.loss_curve import Curve

Mode = Literal["idle", "owner", "viewer"]


class ConsoleEvent(msgspec.Struct, frozen=True):
    """The base of them all."""


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
    """What luna.toml says that the screen shows: targets by score name, the base's name, planned steps by phase."""

    targets: Mapping[str, float]
    base: str
    plans: Mapping[str, Mapping[str, Any]]


class ModeChanged(ConsoleEvent, frozen=True):
    """Who trains: nobody (`idle`), this process (`owner`), or another one whose journal is read (`viewer`)."""

    mode: Mode
    pid: int | None = None
    purpose: str = ""


class WorkspaceMissing(ConsoleEvent, frozen=True):
    """The workspace's folder has gone, or (`missing` False) is there again."""

    missing: bool


class StopAsked(ConsoleEvent, frozen=True):
    """A stop was asked for; the run ends after its step."""


class KarmaRead(ConsoleEvent, frozen=True):
    """What the inbox has earned: karma so far and needed; `action` is what age-up would do now, `why` in words.

    `starts` says whether this console may do it by itself, `request` what it would ask of the engine.
    """

    karma: float
    needed: float
    action: Literal["wait", "train", "resume"]
    why: str
    starts: bool
    request: TrainRequest | None = None


class CurveLoaded(ConsoleEvent, frozen=True):
    """The loss curve of a recorded generation, None when no journal of it is left, and what it answered in training."""

    gen: int
    curve: Curve | None
    voices: tuple[VoiceSampled, ...] = ()


class EvaluationLoaded(ConsoleEvent, frozen=True):
    """The examination of a generation with every item, as `eval --json` has it; None with `problem` when it failed."""

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
    """Something long began beside training: eval, matrix, verify, export."""

    job: str
    label: str


class JobProgress(ConsoleEvent, frozen=True):
    """How far the job is; `eta_s` is None while it cannot be told."""

    job: str
    label: str
    done: int
    total: int
    eta_s: float | None


class JobEnded(ConsoleEvent, frozen=True):
    """How the job ended, in one sentence, with further lines that a person may want to read."""

    job: str
    ok: bool
    message: str
    lines: tuple[str, ...] = ()


class MachineSampled(ConsoleEvent, frozen=True):
    """One sample of the machine, and what is wrong with it."""

    sample: ResourceSample
    warnings: tuple[str, ...] = ()


class Noted(ConsoleEvent, frozen=True):
    """Something to tell the person: level is info, warning or error; `hint` says what to do."""

    level: str
    text: str
    hint: str = ""


class PromptSent(ConsoleEvent, frozen=True):
    """A prompt was sent to one or more generations; `turn` numbers it. `kind` is chat or lineage."""

    turn: int
    prompt: str
    refs: tuple[str, ...]
    options: Mapping[str, Any]
    kind: str = "chat"


class AnswerStarted(ConsoleEvent, frozen=True):
    """A generation is loaded and begins to answer."""

    turn: int
    index: int
    label: str
    gen: int | None


class AnswerPiece(ConsoleEvent, frozen=True):
    """More of the answer's raw text."""

    turn: int
    index: int
    text: str


class AnswerEnded(ConsoleEvent, frozen=True):
    """The answer is complete: `stop_reason` is eos, length, stopped or error (then `problem` says what).

    `continued` says that it first goes on with the prompt instead of answering it.
    """

    turn: int
    index: int
    stop_reason: str
    tokens: int = 0
    ms_first_token: float | None = None
    tokens_per_s: float | None = None
    problem: str = ""
    continued: bool = False


class AnswerRated(ConsoleEvent, frozen=True):
    """A rating or a correction of an answer is in the inbox; `karma` as written there."""

    turn: int
    index: int
    karma: int
    correction: str | None = None
