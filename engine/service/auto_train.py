"""Age-up: decide whether the next generation should start by itself now, and if not, why.

The gate and the stop rule are those of every generation. What a person has stopped stays stopped: only runs that age-up
began are resumed.
"""

from __future__ import annotations

import json
import os
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engine.config.config import Config
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.pipeline.request import TrainRequest
from engine.service.karma import Meter, read_meter
from engine.workspace.attach import lock_holder, resumable
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run, RunStatus
from ledger.lineage import Lineage

if TYPE_CHECKING:
    from engine.service.session import TrainOutcome
    from engine.service.work import Work

MICRO_GENERATION = TrainRequest(phase="converse", inbox_first=True, by_itself=True)
"""The request for a generation that age-up submits to the engine."""
_FROM_DEPTH = 2
_LOOK_AGAIN_S = 60.0
"""Seconds after which a decision is made again though nothing changed: the clock alone can end the quiet hours."""
_REFUSED = (
    "it could not be begun; once the inbox, the curriculum, luna.toml, HEAD or the ledger changes, it is tried again"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The next action: `train` a micro-generation, `resume` an interrupted one, or `wait`, and the reason."""

    action: Literal["wait", "train", "resume"]
    why: str
    meter: Meter
    run: str = ""
    """The id of the run to resume."""

    @property
    def request(self) -> TrainRequest | None:
        """The request to submit to the engine, None to wait."""
        if self.action == "wait":
            return None
        return MICRO_GENERATION if self.action == "train" else TrainRequest(resume=True, run=self.run, by_itself=True)

    def to_dict(self) -> dict[str, object]:
        """Return plain values for `--json`: action, reason and meter."""
        return {"action": self.action, "why": self.why, **self.meter.to_dict()}


def decide(workspace: Workspace, config: Config, now: datetime) -> Decision:
    """Decide whether a generation starts; `now` is local time, for the quiet hours.

    Raises LunaError or LedgerError when the workspace cannot be read.
    """
    lineage = workspace.lineage()
    meter = read_meter(workspace, config, lineage)
    waits = _reason_to_wait(workspace, config, lineage, now)
    if waits:
        return Decision("wait", waits, meter)
    left = _own_run(workspace, lineage)
    if left is not None:
        return Decision("resume", f"G{left.gen}, which age-up had begun, goes on", meter, left.run_id)
    if not meter.full:
        return Decision("wait", _what_is_missing(meter), meter)
    return Decision("train", f"karma {meter.karma:g} of {meter.needed:g}: the inbox has earned a generation", meter)


class AutoTrain:
    """Decides as seldom as it may what the inbox has earned, and does not repeat a refused generation without a change.

    For one thread, which calls `look` every few seconds and `note` when a generation it began has ended.
    """

    def __init__(self, workspace: Workspace, work: Work, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._workspace, self._work, self._monotonic = workspace, work, monotonic
        self._seen: object = None
        self._looked_at = -float("inf")
        self._made_of: object = None
        self._refused: object = None
        self._config: Config | None = None
        self._config_from: object = None

    @property
    def config(self) -> Config:
        """The configuration, read again only when luna.toml has changed: reading takes longer than all the rest."""
        file = self._workspace.config_path.stat()
        came_from = (file.st_mtime_ns, file.st_size, file.st_ino)
        if self._config is None or came_from != self._config_from:
            self._config, self._config_from = self._work.config(self._workspace.root), came_from
        return self._config

    def look(self, *, now: bool = False) -> Decision | None:
        """Return a decision, None while nothing has changed that it depends on; `now` decides again in any case.

        Raises LunaError, LedgerError or OSError when the workspace cannot be read; the next call reads all of it.
        """
        seen, self._seen = self._seen, None
        config = self.config
        found = self._work.age_up_stamp(self._workspace, config)
        if self._refused is not None and self._work.age_up_input(self._workspace, config) != self._refused:
            self._refused, now = None, True  # the curriculum may have changed, which no decision rests on otherwise
        if not now and found == seen and self._monotonic() - self._looked_at < _LOOK_AGAIN_S:
            self._seen = seen
            return None
        decision = self._work.age_up(self._workspace, config)
        if decision.action != "wait":
            self._made_of = self._work.age_up_input(self._workspace, config)
            if self._made_of == self._refused:
                decision = replace(decision, action="wait", why=_REFUSED)
        self._seen, self._looked_at = found, self._monotonic()
        return decision

    def note(self, outcome: TrainOutcome) -> None:
        """Record how the generation ended that the last decision began."""
        self._seen = None  # whatever it was made of, it has been tried
        self._refused = self._made_of if outcome.exit_code == UsageError.exit_code else None


def stamp(workspace: Workspace, config: Config) -> tuple[object, ...]:
    """Return a value that differs when `decide` may decide otherwise, the clock aside, without reading a file."""
    return (lock_holder(workspace), *_stats(workspace, config.curriculum.inbox))


def input_stamp(workspace: Workspace, config: Config) -> tuple[object, ...]:
    """Return a value that differs when what a generation would be made of has changed, without reading a file.

    Compared after a refusal, so that the same generation is not begun again for nothing. It covers the inbox and the
    files of `stamp`, but not the lock holder, and adds the curriculum and the user's phrases and tone probes, which may
    be the cause.
    """
    may_be_fixed = [workspace.root / name for name in (config.eval.phrases, config.eval.tone_probes) if name]
    return _stats(workspace, config.curriculum.inbox, config.curriculum.path, *may_be_fixed)


def quiet_until(quiet_hours: str, now: time) -> str | None:
    """Return when the quiet hours end that `now` is in (`"22:00-07:00"`; the end is outside), None outside them."""
    if not quiet_hours:
        return None
    start, end = (time.fromisoformat(part) for part in quiet_hours.split("-"))
    inside = start <= now < end if start <= end else now >= start or now < end
    return quiet_hours.split("-")[1] if inside else None


def _reason_to_wait(workspace: Workspace, config: Config, lineage: Lineage, now: datetime) -> str:
    holder = lock_holder(workspace)
    if holder is not None:
        return f"the workspace is in use ({holder.purpose or 'another process'}, pid {holder.pid})"
    head = lineage.head
    if head is None or lineage.depth(head) + 1 < _FROM_DEPTH:
        made = 0 if head is None else lineage.depth(head) + 1
        return f"the curriculum comes first: luna-tui train --generations {_FROM_DEPTH - made}"
    stopped = [gen for gen in lineage.children(head) if lineage.node(gen).verdict == "stopped"]
    if stopped:
        return f"the stop rule ended G{stopped[-1]}: fix the data, not the size, then: luna-tui train"
    until = quiet_until(config.age_up.quiet_hours, now.time())
    return f"quiet hours until {until}" if until else ""


def _own_run(workspace: Workspace, lineage: Lineage) -> RunStatus | None:
    """Return the newest unfinished run if age-up began it from this HEAD, None if a person has begun one since."""
    left = max(resumable(workspace), key=lambda state: (state.updated, state.run_id), default=None)
    if left is None:
        return None
    try:
        plan = json.loads(Run.at(workspace, left.run_id).plan.read_bytes())
        began_here = plan["selection"]["inbox_first"] and plan["parent_gen"] == lineage.head
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return left if began_here else None


def _stats(workspace: Workspace, *paths: str | Path) -> tuple[tuple[str, int, int], ...]:
    """Return path, time and size of luna.toml, the ledger, HEAD, and of these files or all files in these folders."""
    files = [workspace.config_path, workspace.ledger.path, workspace.models / "HEAD"]
    for path in (workspace.root / path for path in paths):
        files += [Path(above, name) for above, _, names in os.walk(path) for name in names] or [path]
    return tuple(_stat(path) for path in sorted(files))


def _stat(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), stat.st_mtime_ns, stat.st_size


def _what_is_missing(meter: Meter) -> str:
    spent = f"; {meter.spent} rows were tried before and count no more" if meter.spent else ""
    if meter.too_long:
        long = counted(meter.too_long, "row is", "rows are")
        spent += f"; {long} longer than the context and cannot be learnt"
    if meter.karma < meter.needed:
        return f"karma {meter.karma:g} of {meter.needed:g}{spent}"
    return (
        f"karma {meter.karma:g} of {meter.needed:g}, but the rows ask {meter.situations} different things, and an exam "
        f"needs {meter.situations_needed}{spent}"
    )
