"""The events that a run emits, as frozen structs: the journal, the printer and the screen read the same ones.

An event carries its run's id, a sequence number (from 0, without gaps), and both clocks: `mono` (seconds, monotonic,
for durations) and `wall` (seconds since the epoch). Payloads are plain values only: no tensors, no paths, no
exceptions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The fields common to all events: run id, sequence number, and both clocks in seconds."""

    run: str
    seq: int
    mono: float
    wall: float


class RunStarted(Event, frozen=True, kw_only=True):
    """Emitted when a generation's run starts or, with `resumed`, continues after an interruption."""

    gen: int
    parent_gen: int | None
    phase: str
    backend: str
    method: str
    base: str
    steps: int
    lr: float
    seed: int
    threads: int
    resumed: bool


class StepChanged(Event, frozen=True, kw_only=True):
    """Emitted when the run enters its next step: prepare, train, export, examine, judge or record."""

    step: str
    index: int
    total: int
    label: str


class DataPrepared(Event, frozen=True, kw_only=True):
    """Emitted when a generation's rows are chosen: how many are fed, by stage, and how many were left out."""

    new_rows: int
    train_rows: int
    holdout_rows: int
    replay_rows: int
    by_stage: dict[str, int]
    bad_rows: int
    duplicates: int
    data_delta_sha: str


class TrainStep(Event, frozen=True, kw_only=True):
    """One optimizer step: loss in nats per trained token, learning rate, L2 gradient norm, speed and seconds left."""

    step: int
    total: int
    loss: float
    lr: float
    grad_norm: float
    tokens: int
    tokens_per_s: float
    stage: str
    epoch: float
    eta_s: float


class VoiceSampled(Event, frozen=True, kw_only=True):
    """The greedy answer of the model in training to a pinned prompt at this step.

    `seconds` is this prompt's share of the time that the sampling took.
    """

    step: int
    prompt: str
    text: str
    stop_reason: str
    seconds: float


class CheckpointSaved(Event, frozen=True, kw_only=True):
    """Emitted when a checkpoint is durable, so that the run can be resumed from this step."""

    step: int
    seconds: float


class MemoryMeasured(Event, frozen=True, kw_only=True):
    """The most memory that the training held, in bytes: of the process, or on a GPU what was reserved there."""

    peak_bytes: int


class Progress(Event, frozen=True, kw_only=True):
    """Progress of any other long operation; `eta_s` is None while it cannot be estimated."""

    label: str
    done: int
    total: int
    eta_s: float | None


class Exported(Event, frozen=True, kw_only=True):
    """Emitted when the generation's GGUF is written and has passed its checks."""

    gen: int
    child_sha: str
    quant: str
    size_bytes: int
    seconds: float
    parity_rows: int
    stopped_by_eos: bool


class Examined(Event, frozen=True, kw_only=True):
    """The scores of the shipped GGUF.

    `scores` holds the three scores with their counts and 95 % intervals, and the score on every ancestor's exam.
    """

    gen: int
    scores: dict[str, Any]
    seconds: float


class Judged(Event, frozen=True, kw_only=True):
    """The verdict of the gate and the stop rule: accepted, rejected or stopped, with the reasons in words."""

    gen: int
    verdict: str
    reasons: list[str]


class Recorded(Event, frozen=True, kw_only=True):
    """Emitted when the ledger row, the manifest and the head log entry are durable."""

    gen: int
    row: dict[str, str]
    head: int | None


class LogLine(Event, frozen=True, kw_only=True):
    """A text message for the reader; `level` is info, warning or error."""

    level: str
    text: str


class RunFinished(Event, frozen=True, kw_only=True):
    """The last event of a run.

    `verdict` is accepted, rejected, stopped, interrupted or failed; `exit_code` is the one the command line exits with.
    """

    gen: int | None
    verdict: str
    reasons: list[str]
    exit_code: int
    head: int | None
    scores: dict[str, Any] = {}
    error: str = ""
    hint: str = ""
    seconds: float = 0.0


EVENT_TYPES: tuple[type[Event], ...] = (
    RunStarted,
    StepChanged,
    DataPrepared,
    TrainStep,
    VoiceSampled,
    CheckpointSaved,
    MemoryMeasured,
    Progress,
    Exported,
    Examined,
    Judged,
    Recorded,
    LogLine,
    RunFinished,
)


def type_name(event_type: type[Event]) -> str:
    """Return the name of an event type on disk, `RunFinished` → `run_finished`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_type.__name__).lower()


_BY_NAME: Mapping[str, type[Event]] = {type_name(t): t for t in EVENT_TYPES}


def to_json_object(event: Event) -> dict[str, Any]:
    """Return the event as one JSON object whose first field is its `type`."""
    return {"type": type_name(type(event)), **msgspec.structs.asdict(event)}


def from_json_object(data: Mapping[str, Any]) -> Event | None:
    """Return the event that a JSON object describes, or None for a type this version does not know.

    Unknown fields are ignored. Raises KeyError when there is no `type`, and TypeError when a known type lacks a field.
    """
    event_type = _BY_NAME.get(str(data["type"]))
    if event_type is None:
        return None
    known = event_type.__struct_fields__
    return event_type(**{key: value for key, value in data.items() if key in known})


E = TypeVar("E", bound=Event)


class Emitter:
    """Stamps events with run id, sequence number and clocks and passes each of them to every sink, in order."""

    def __init__(self, run: str, *sinks: Callable[[Event], None], first_seq: int = 0) -> None:
        self.run = run
        self.sinks = sinks
        self._seq = count(first_seq)

    def __call__(self, event_type: type[E], **payload: Any) -> E:
        """Build an event of `event_type` from its payload, pass it to every sink, and return it."""
        event = event_type(run=self.run, seq=next(self._seq), mono=time.monotonic(), wall=time.time(), **payload)
        for sink in self.sinks:
            sink(event)
        return event

    def log(self, text: str, level: str = "info") -> None:
        """Emit a LogLine event; `level` is info, warning or error."""
        self(LogLine, level=level, text=text)


class ProgressReporter:
    """Turns `(done, total)` calls into `Progress` events with an estimate of the seconds left.

    Emits at most one event per `min_interval_s` seconds (four a second by default), and always the last one.
    """

    def __init__(self, emit: Emitter, label: str = "", min_interval_s: float = 0.25) -> None:
        self._emit = emit
        self._label = label
        self._interval = min_interval_s
        self._began = time.monotonic()
        self._last = 0.0

    def __call__(self, done: int, total: int, label: str = "") -> None:
        """Report that `done` of `total` units are finished."""
        now = time.monotonic()
        if done < total and now - self._last < self._interval:
            return
        self._last = now
        spent = now - self._began
        eta = spent / done * (total - done) if done else None
        self._emit(Progress, label=label or self._label, done=done, total=total, eta_s=eta)
