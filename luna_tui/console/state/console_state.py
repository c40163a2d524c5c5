"""All that the console shows, as one frozen value, and the one function that changes it.

Live, attached and replayed runs go through `reduce` alike; the user's choices on the screen (`Ui`) are part of the
value, so that a pane is a function of it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.core.events import Event, LogLine, RunFinished, RunStarted, TrainStep, VoiceSampled
from luna_tui.common.loss_curve import Curve
from luna_tui.common.run_state import RunState
from luna_tui.common.run_state import reduce as reduce_run
from luna_tui.console.state.chat_state import ChatState, reduce_chat
from luna_tui.console.state.events import (
    ConsoleEvent,
    CurveLoaded,
    DetailsLoaded,
    EvaluationLoaded,
    JobEnded,
    JobProgress,
    JobStarted,
    KarmaRead,
    LineageLoaded,
    MachineSampled,
    MatrixLoaded,
    Mode,
    ModeChanged,
    Noted,
    SettingsLoaded,
    StopRequested,
    WorkspaceMissing,
)

if TYPE_CHECKING:
    from engine.diagnostics.resource_monitor import ResourceHistory

_LOG_LINES = 500
_VOICES = 200
_CURVES = 32
_EVALUATIONS = 16


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log pane; `wall` in seconds since the epoch, None when it is not known."""

    wall: float | None
    level: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class JobView:
    """A long job beside training, and its progress."""

    job: str
    label: str
    done: int = 0
    total: int = 0
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ui:
    """The user's choices: the selected generation (None: the base), two to compare, and how the loss is drawn.

    `selected` follows HEAD until the user moves the cursor.
    """

    selected: int | None = None
    followed: bool = True
    marked: tuple[int | None, ...] = ()
    log_scale: bool = False
    show_raw: bool = True
    window: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ConsoleState:
    """The whole state of the console. `rows` is None until the lineage has been read."""

    name: str = ""
    rows: tuple[Mapping[str, Any], ...] | None = None
    by_gen: Mapping[int, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    complete: bool = False
    head: int | None = None
    unfinished: int | None = None
    unfinished_parent: int | None = None
    base: str = ""
    targets: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    plans: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    mode: Mode = "idle"
    pid: int | None = None
    purpose: str = ""
    missing: bool = False
    stopping: bool = False
    run: RunState = field(default_factory=RunState)
    curve: Curve = field(default_factory=Curve)
    voices: tuple[VoiceSampled, ...] = ()
    curves: Mapping[int, Curve | None] = field(default_factory=lambda: MappingProxyType({}))
    recorded_voices: Mapping[int, tuple[VoiceSampled, ...]] = field(default_factory=lambda: MappingProxyType({}))
    evaluations: Mapping[str, Mapping[str, Any] | str] = field(default_factory=lambda: MappingProxyType({}))
    matrices: Mapping[str, Mapping[str, Any] | str] = field(default_factory=lambda: MappingProxyType({}))
    manifests: Mapping[int, Mapping[str, Any] | None] = field(default_factory=lambda: MappingProxyType({}))
    karma: KarmaRead | None = None
    job: JobView | None = None
    ended: JobEnded | None = None
    machine: ResourceHistory | None = None
    warnings: tuple[str, ...] = ()
    log: tuple[LogEntry, ...] = ()
    notice: Noted | None = None
    chat: ChatState = field(default_factory=ChatState)
    ui: Ui = field(default_factory=Ui)

    @property
    def training(self) -> bool:
        """Whether a run is in progress, here or in the process being watched."""
        return self.mode != "idle" and self.run.run is not None and self.run.finished is None

    @property
    def busy(self) -> bool:
        """Whether any process holds the workspace."""
        return self.mode != "idle"

    @property
    def works(self) -> bool:
        """Whether events may arrive at any moment: a run, a job, or an answer is in progress."""
        return self.busy or self.job is not None or self.chat.busy

    def row(self, gen: int | None) -> Mapping[str, Any] | None:
        """Return a generation's row, None for the base and for a generation that is not recorded."""
        return None if gen is None else self.by_gen.get(gen)


def reduce(state: ConsoleState, event: Event | ConsoleEvent) -> ConsoleState:
    """Return the state after an event of the engine or of the console."""
    return _engine(state, event) if isinstance(event, Event) else _console(state, event)


def _engine(state: ConsoleState, event: Event) -> ConsoleState:
    another = event.run != state.run.run
    if state.run.finished is not None and (another or isinstance(event, RunStarted)):
        state = replace(state, notice=None)  # the notice on how the previous run ended is out of date
    run = reduce_run(state.run, event)
    state = replace(state, run=run)
    if another:
        state = replace(state, curve=Curve(), voices=(), stopping=state.stopping and run.finished is None)
    if isinstance(event, RunStarted) and state.ui.window is not None:
        state = replace(state, ui=replace(state.ui, window=None))
    if isinstance(event, TrainStep):
        curve = state.curve.add(event.step, event.loss, run.smoothed, event.lr, event.grad_norm, event.tokens_per_s)
        return replace(state, curve=curve)
    if isinstance(event, VoiceSampled):
        return replace(state, voices=(*state.voices, event)[-_VOICES:])
    if isinstance(event, LogLine):
        state = _logged(state, LogEntry(event.wall, event.level, run.name, event.text))
        if event.level != "info":
            state = replace(state, notice=Noted(event.level, event.text))
        return state
    if isinstance(event, RunFinished):
        return _finished(state, event)
    return state


def _finished(state: ConsoleState, event: RunFinished) -> ConsoleState:
    what = f"G{event.gen} {event.verdict}" if event.gen is not None else event.verdict
    reasons = "; ".join(event.reasons) or event.error
    text = f"{what}: {reasons}" if reasons else what
    level = {"accepted": "info", "interrupted": "warning"}.get(event.verdict, "error")
    state = _logged(state, LogEntry(event.wall, level, state.run.name, text))
    if event.verdict == "interrupted" and state.run.train is not None:
        parent = state.run.started.parent_gen if state.run.started is not None else None
        state = replace(state, unfinished=event.gen, unfinished_parent=parent)
    return replace(state, stopping=False, notice=Noted(level, text, event.hint))


def _console(state: ConsoleState, event: ConsoleEvent) -> ConsoleState:
    if isinstance(event, LineageLoaded):
        return _lineage(state, event)
    if isinstance(event, SettingsLoaded):
        return replace(state, targets=event.targets, base=event.base, plans=event.plans)
    if isinstance(event, ModeChanged):
        stopping = state.stopping and event.mode != "idle"
        return replace(state, mode=event.mode, pid=event.pid, purpose=event.purpose, stopping=stopping)
    if isinstance(event, WorkspaceMissing):
        return replace(state, missing=event.missing)
    if isinstance(event, KarmaRead):
        return replace(state, karma=event)
    if isinstance(event, StopRequested):
        return replace(state, stopping=True)
    if isinstance(event, CurveLoaded):
        voices = _kept(state.recorded_voices, event.gen, event.voices[-_VOICES:], _CURVES)
        return replace(state, curves=_kept(state.curves, event.gen, event.curve, _CURVES), recorded_voices=voices)
    if isinstance(event, EvaluationLoaded):
        found = event.problem if event.evaluation is None else event.evaluation
        return replace(state, evaluations=_kept(state.evaluations, event.ref, found, _EVALUATIONS))
    if isinstance(event, MatrixLoaded):
        known = event.problem if event.matrix is None else event.matrix
        return replace(state, matrices=_kept(state.matrices, event.ref, known, _EVALUATIONS))
    if isinstance(event, DetailsLoaded):
        return replace(state, manifests=_kept(state.manifests, event.gen, event.manifest, _EVALUATIONS))
    if isinstance(event, JobStarted):
        return replace(state, job=JobView(event.job, event.label), ended=None)
    if isinstance(event, JobProgress):
        return replace(state, job=JobView(event.job, event.label, event.done, event.total, event.eta_s))
    if isinstance(event, JobEnded):
        level = "info" if event.ok else "error"
        state = _logged(state, LogEntry(None, level, event.job, event.message))
        return replace(state, job=None, ended=event, notice=Noted(level, event.message))
    if isinstance(event, MachineSampled):
        return _sampled(state, event)
    if isinstance(event, Noted):
        return replace(_logged(state, LogEntry(None, event.level, "console", event.text)), notice=event)
    return replace(state, chat=reduce_chat(state.chat, event))


def _lineage(state: ConsoleState, event: LineageLoaded) -> ConsoleState:
    by_gen = MappingProxyType({int(row["GEN_ID"]): row for row in event.rows})
    ui = state.ui
    if ui.followed or (ui.selected is not None and ui.selected not in by_gen):
        ui = replace(ui, selected=event.head, followed=True)
    evaluations = state.evaluations
    if event.head != state.head and "base" in evaluations:
        # The base is evaluated on the exams of the line to HEAD: once HEAD has moved, the exams differ.
        evaluations = MappingProxyType({ref: found for ref, found in evaluations.items() if ref != "base"})
    return replace(
        state,
        evaluations=evaluations,
        rows=event.rows,
        by_gen=by_gen,
        head=event.head,
        complete=event.complete,
        unfinished=event.unfinished,
        unfinished_parent=event.unfinished_parent,
        ui=ui,
    )


def _sampled(state: ConsoleState, event: MachineSampled) -> ConsoleState:
    from engine.diagnostics.resource_monitor import ResourceHistory  # psutil is not needed to draw the first frame

    history = (state.machine or ResourceHistory()).add(event.sample)
    for warning in event.warnings:
        if warning not in state.warnings:
            state = _logged(state, LogEntry(None, "warning", "machine", warning))
    return replace(state, machine=history, warnings=event.warnings)


def _logged(state: ConsoleState, entry: LogEntry) -> ConsoleState:
    return replace(state, log=(*state.log, entry)[-_LOG_LINES:])


def _kept(old: Mapping[Any, Any], key: object, value: object, limit: int) -> Mapping[Any, Any]:
    """Return a copy with one more entry, the oldest ones dropped beyond `limit`."""
    entries = {name: entry for name, entry in old.items() if name != key}
    while len(entries) >= limit:
        entries.pop(next(iter(entries)))
    return MappingProxyType({**entries, key: value})
