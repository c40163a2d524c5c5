"""Read the data a generation may be trained on, made to fit the context; what is left out is logged, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum, read_curriculum, read_files
from engine.data.left_out import left_out_lines
from engine.data.read_rules import ReadRules
from engine.data.readers import SUFFIXES
from engine.data.rows import Row
from engine.pipeline.context import Context
from engine.pipeline.fit_rows import fit_rows
from engine.pipeline.request import TrainRequest
from engine.pipeline.row_lengths import HINT
from engine.pipeline.steps.pace import Step

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AvailableData:
    """The curriculum, the rows of the inbox, and those given with --data, None without it.

    `too_long` are the ids of the inbox's answers that exceed the context; they still replace what they correct.
    """

    curriculum: Curriculum
    inbox: Sequence[Row] = ()
    given: Sequence[Row] | None = None
    too_long: frozenset[str] = frozenset()


def read_data(context: Context, request: TrainRequest, step: Step) -> AvailableData:
    """Read curriculum and inbox, or the files given with --data.

    Raises UsageError when there is nothing usable in them, and under --strict for anything that would be left out.
    """
    config, root = context.config.curriculum, context.workspace.root
    last, rules = config.stages[-1], ReadRules.of(config)
    if request.taught is not None:
        return AvailableData(read_files([], last, stages=config.stages, rules=rules))
    if request.data:
        found = read_files(request.data, last, stages=config.stages, rules=rules, on_done=step)
        read, _ = _fitted(context, found)
        _tell_left_out(context, request, read)
        if not read.rows:
            where = ", ".join(str(path) for path in request.data)
            reasons = "; ".join(f"{bad.file}:{bad.line} {bad.reason}" for bad in read.bad[:3])
            raise UsageError(f"no usable row in the data given{': ' + reasons if reasons else ''}", where=where)
        return AvailableData(read, given=read.rows)
    found = read_curriculum(root / config.path, config.stages, rules=rules, on_done=step)
    waiting = read_files([root / config.inbox], last, stages=config.stages, rules=rules, missing_ok=True)
    curriculum, _ = _fitted(context, found)
    inbox, too_long = _fitted(context, waiting, keep_questions=True)
    _tell_left_out(context, request, curriculum)
    _tell_left_out(context, request, inbox)
    return AvailableData(curriculum, inbox.rows, too_long=too_long)


def _fitted(context: Context, read: Curriculum, *, keep_questions: bool = False) -> tuple[Curriculum, frozenset[str]]:
    """Return the data with what exceeds the context among its bad rows, and the ids of these answers."""
    fitted = fit_rows(context.workspace, context.config, read.rows, context.runtime, keep_questions=keep_questions)
    for cut in fitted.cut[:_SHOWN]:
        context.emit.log(f"longer than the context, so {cut}", "warning")
    if len(fitted.cut) > _SHOWN:
        context.emit.log(f"cut too: {counted(len(fitted.cut) - _SHOWN, 'more text')}", "warning")
    return replace(read, rows=fitted.rows, bad=(*read.bad, *fitted.left_out)), fitted.too_long


def _tell_left_out(context: Context, request: TrainRequest, read: Curriculum) -> None:
    """Log which rows are left out, or, under --strict, refuse to train without them."""
    if request.strict:
        read.refuse_bad()
    for bad in read.bad[:_SHOWN]:
        hint = f"; {HINT}" if "longer than the context" in bad.reason else ""
        context.emit.log(f"bad row left out: {bad.file}:{bad.line} {bad.reason}{hint}", "warning")
    if len(read.bad) > _SHOWN:
        context.emit.log(f"left out too: {counted(len(read.bad) - _SHOWN, 'more bad row')}", "warning")
    for note in (*read.notes, *left_out_lines(read.left_out, read.marker)):
        context.emit.log(note, "warning")
    unread = [name for name in read.ignored if not name.rstrip("/").rpartition("/")[2].startswith(".")]
    if unread:
        shown = ", ".join(unread[:3]) + (" …" if len(unread) > 3 else "")
        known = " ".join(SUFFIXES)
        context.emit.log(f"not read, since these are no data files ({known}): {len(unread)}: {shown}", "warning")
