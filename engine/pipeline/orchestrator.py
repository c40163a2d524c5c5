"""One generation from top to bottom, in the order of the steps: prepare → train → export → examine → judge → record.

Each step leaves its output in the run's staging folder before the next begins, so an interrupted run resumes at the
step it was in.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.core.cpu import default_threads
from engine.core.error_mapping import as_luna_error, is_expected, keep_traceback
from engine.core.errors import Interrupted
from engine.core.events import Emitter, Event, RunFinished, RunStarted
from engine.core.journal import Journal, last_seq
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.request import TrainRequest
from engine.pipeline.resume import open_unfinished
from engine.pipeline.run_tracker import RunTracker
from engine.pipeline.steps.evaluate import examine, examined
from engine.pipeline.steps.export import export, exported
from engine.pipeline.steps.interpolate import rescue, undo_rescue
from engine.pipeline.steps.judge import judge
from engine.pipeline.steps.prepare import emit_data, prepare
from engine.pipeline.steps.record import finish_leftovers, record
from engine.pipeline.steps.train import train, trained
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run, RunStatus, list_runs, unfinished_run
from ledger.errors import LedgerError
from ledger.lineage import Lineage


def evolve(context: Context, request: TrainRequest) -> RunFinished:
    """Train one generation and return its last event, which is also emitted and written to the run's journal.

    The caller holds the workspace's lock. Raises LunaError or LedgerError only before a run is open; any later error
    ends the run with an event.
    """
    workspace = context.workspace
    settled = _settle(context)
    over = [run for run in settled if request.run in ("", run.run_id)]
    if request.resume and over and (request.run or unfinished_run(workspace) is None):
        return _tell_again(context, over[-1])
    lineage = workspace.lineage()
    if request.resume:
        run, state, plan = open_unfinished(context, request, lineage)
    else:
        run, state, plan = _open_new(context, lineage)
    journal = Journal(run.journal)
    course = RunTracker(run, state, journal, context.emit.sinks, context.control)
    watchers = context.emit.sinks
    context = replace(context, emit=course.emit)
    try:
        _go_through(context, course, run, plan, request, lineage)
        finished = course.emit(RunFinished, **_result(workspace, state.gen, course.state.seconds))
    except BaseException as error:  # a KeyboardInterrupt too: the run ends as interrupted, and the caller sees that
        finished = _fail(context, course, watchers, error)
    finally:
        journal.close()
        if "prepare" not in course.state.done and not run.log.exists():
            run.discard()
    return finished


def _go_through(
    context: Context, course: RunTracker, run: Run, plan: Plan | None, request: TrainRequest, lineage: Lineage
) -> None:
    resumed = plan is not None
    undo_rescue(run)
    if course.enter("prepare") or plan is None:
        backend = context.pick_backend(request.backend or context.config.train.backend).name
        threads = context.config.train.threads or default_threads()
        plan = prepare(context, run, request, lineage, course.state.gen, backend, threads)
        course.leave("prepare")
    _announce(context, plan, resumed)

    delta = train(context, run, plan) if course.enter("train") else trained(run)
    course.leave("train")

    model = export(context, run, plan, delta) if course.enter("export") else exported(run, plan)
    course.leave("export")

    examination = examine(context, run, plan, model) if course.enter("examine") else examined(run)
    course.leave("examine")

    course.enter("judge")
    judgement, rescued = judge(context, plan, lineage, model, examination), None
    if judgement.verdict == "rejected" and context.config.rescue.enabled:
        rescued = rescue(context, run, plan, lineage, delta, model, examination, judgement)
        delta, model, examination = rescued.trained, rescued.model, rescued.examination
        judgement = rescued.judgement
    course.leave("judge")

    # From here on everything is quick and every write can be finished later, so stop requests are no longer checked.
    course.announce("record")
    context.runtime.unload()
    course.book()
    record(context, run, plan, delta, model, examination, judgement, course.state.seconds, rescued)
    course.finish()
    shutil.rmtree(run.work, ignore_errors=True)  # checkpoints of a finished training; the evidence has its own copy


def _open_new(context: Context, lineage: Lineage) -> tuple[Run, RunStatus, None]:
    left = unfinished_run(context.workspace)
    if left is not None:
        resume = f"train --resume {left.run_id}"
        context.emit.log(f"the unfinished run {left.run_id} is left as it is; {resume} would go on with it")
    gen = lineage.next_gen_id()
    run = Run.new(context.workspace, gen)
    state = RunStatus(run.run_id, gen, "running", (), 0.0, time.time())
    run.write_state(state)
    return run, state, None


def _announce(context: Context, plan: Plan, resumed: bool) -> None:
    context.emit(
        RunStarted,
        gen=plan.gen,
        parent_gen=plan.parent_gen,
        phase=plan.phase,
        backend=plan.backend,
        method=plan.recipe.method,
        base=plan.base["name"],
        steps=plan.steps,
        lr=plan.recipe.lr,
        seed=plan.recipe.seed,
        threads=plan.threads,
        resumed=resumed,
    )
    emit_data(context, plan)


def _fail(
    context: Context, course: RunTracker, watchers: Sequence[Callable[[Event], None]], error: BaseException
) -> RunFinished:
    """End a run that did not finish: its work is kept, its state says why, nothing is half recorded."""
    workspace, run = context.workspace, course.run
    problem = as_luna_error(error, workspace.root)
    interrupted = isinstance(problem, Interrupted)
    hint = [problem.hint]
    if interrupted:
        prepared = "prepare" in course.state.done
        hint.append("go on with: luna-tui train --resume" if prepared else "nothing was begun; again: luna-tui train")
    if not is_expected(error) and not interrupted:
        hint.append(keep_traceback(error, run.log))
    with contextlib.suppress(LedgerError, OSError):  # a full disk must not hide why it ended; "running" resumes as well
        course.end("interrupted" if interrupted else "failed")
    payload: dict[str, Any] = {
        "gen": course.state.gen,
        "verdict": "interrupted" if interrupted else "failed",
        "reasons": [problem.title],
        "exit_code": problem.exit_code,
        "head": current_head(workspace),
        "error": f"{problem.where}: {problem.title}" if problem.where else problem.title,
        "hint": "\n".join(part for part in hint if part),
        "seconds": course.state.seconds,
    }
    try:
        return course.emit(RunFinished, **payload)
    except OSError:  # the journal cannot be written: subscribers still get the event
        return Emitter(run.run_id, *watchers)(RunFinished, **payload)


def _settle(context: Context) -> list[Run]:
    """Finish recordings that a crash interrupted, close the runs whose generation is recorded, and return these."""
    workspace = context.workspace
    for gen in finish_leftovers(workspace):
        context.emit.log(f"finished recording G{gen}, which a crash had left half recorded", "warning")
    recorded = {row.gen_id for row in workspace.ledger.read()}
    settled: list[Run] = []
    for run, state in list_runs(workspace):
        if state.status == "finished":
            continue
        if "prepare" not in state.done:
            if not run.log.exists():  # killed before there was anything to go on with
                run.discard()
            continue
        manifest = workspace.manifest(state.gen) if state.gen in recorded else None
        if manifest is None or manifest.extra.get("run_id") != run.run_id:
            continue
        journal = Journal(run.journal)
        Emitter(run.run_id, journal, first_seq=last_seq(run.journal) + 1)(
            RunFinished, **_result(workspace, state.gen, state.seconds)
        )
        journal.close()
        run.advance(state, status="finished", done="record")
        shutil.rmtree(run.work, ignore_errors=True)
        settled.append(run)
    return settled


def _tell_again(context: Context, run: Run) -> RunFinished:
    """Emit the last event of a run that had only its recording to finish."""
    state = run.state()
    emit = Emitter(run.run_id, *context.emit.sinks, first_seq=last_seq(run.journal))
    return emit(RunFinished, **_result(context.workspace, state.gen, state.seconds))


def _result(workspace: Workspace, gen: int, seconds: float) -> dict[str, Any]:
    """Return the RunFinished payload of a recorded generation."""
    manifest = workspace.manifest(gen)
    verdict = manifest.verdict if manifest else "failed"
    hint = {
        "accepted": "",
        "stopped": "fix the data, not the size; go back with: luna-tui rollback GEN",
        "rejected": f"HEAD has not moved; see what failed with: luna-tui eval G{gen} --recorded, mend the data or the "
        "recipe, and train again",
    }
    return {
        "gen": gen,
        "verdict": verdict,
        "reasons": list(manifest.verdict_reasons) if manifest else [],
        "exit_code": 0 if verdict == "accepted" else 3,
        "head": workspace.head.current(),
        "scores": dict(manifest.scores) if manifest else {},
        "hint": hint.get(verdict, ""),
        "seconds": seconds,
    }


def current_head(workspace: Workspace) -> int | None:
    """Return HEAD for an event, None when it cannot be read: the reported error may concern that very file."""
    try:
        return workspace.head.current()
    except (LedgerError, OSError):
        return None
