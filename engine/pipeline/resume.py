"""Resume an interrupted run, only if nothing has changed that its numbers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.core.errors import Damaged, UsageError
from engine.core.gen_label import gen_label
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.request import TrainRequest
from engine.pipeline.steps.record import take_back
from engine.training.provenance import arithmetic, package_versions
from engine.workspace.attach import describe_runs, resumable
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run, RunStatus
from ledger.lineage import Lineage

_ANEW = "start the generation anew: luna-tui train"


def open_unfinished(context: Context, request: TrainRequest, lineage: Lineage) -> tuple[Run, RunStatus, Plan]:
    """Return the requested run if it can be resumed, with its state and plan.

    Raises UsageError when there is none, when there are several and none is named, or when the base, packages, threads
    or the request differ from what the run began with, and Damaged when its staged files are gone.
    """
    run = _chosen(context.workspace, request.run)
    state, plan = run.state(), Plan.read(run.plan)
    _require_same(context, run, plan)
    _require_no_other_wish(request, plan, run, lineage)
    take_back(context.workspace, run, plan)
    if not run.staging.is_dir():
        raise Damaged("what this run had prepared is gone", where=str(run.staging), hint=_ANEW)
    if request.data:
        context.emit.log("--data is not read again: the run goes on with what it was given when it began", "warning")
    if lineage.head != plan.parent_gen:
        name = "the base" if plan.parent_gen is None else f"G{plan.parent_gen}"
        context.emit.log(f"HEAD has moved since this run began; it goes on from {name}", "warning")
    return run, run.advance(state, status="running"), plan


def _chosen(workspace: Workspace, wanted: str) -> Run:
    """Return the unfinished run that is named, or the only one there is.

    Of several none is picked as the latest: only the clock says which that is, and a clock may have been set back.
    """
    left = resumable(workspace)
    if not left:
        raise UsageError(
            "there is no unfinished run to resume", where=str(workspace.runs), hint="start one: luna-tui train"
        )
    found = [state for state in left if wanted in ("", state.run_id)]
    if len(found) == 1:
        return Run.at(workspace, found[0].run_id)
    # This process holds the workspace by now: a run still marked as running was left so by a process that died.
    dead = [replace(state, status="interrupted") if state.status == "running" else state for state in left]
    listed = "\n".join(describe_runs(workspace, dead))
    if wanted:
        raise UsageError(
            f"there is no unfinished run {wanted!r}", where=str(workspace.runs), hint=f"those there are:\n{listed}"
        )
    raise UsageError(
        f"{len(left)} runs are unfinished, and you have to say which one goes on",
        where=str(workspace.runs),
        hint=f"luna-tui train --resume {left[-1].run_id}   or another of these:\n{listed}",
    )


def _require_same(context: Context, run: Run, plan: Plan) -> None:
    if plan.base != context.base.facts():
        raise UsageError("the base model has changed since this run began", where=run.run_id, hint=_ANEW)
    threads = context.config.train.threads
    if threads and threads != plan.threads:
        raise UsageError(
            f"this run began with {plan.threads} threads, luna.toml now says {threads}: the last bits would differ",
            where=run.run_id,
            hint=f"set [train] threads = {plan.threads} to resume it, or {_ANEW}",
        )
    here = arithmetic(plan.recipe.precision)
    if changed := _changes({name: plan.versions.get(name, found) for name, found in here.items()}, here):
        raise UsageError(
            f"this machine rounds otherwise than the one this run began on ({'; '.join(changed)}), so it could not go "
            "on exactly",
            where=run.run_id,
            hint=f"resume it on such a machine, or {_ANEW}",
        )
    packages = {name: version for name, version in plan.versions.items() if name not in here}
    if changed := _changes(packages, package_versions(plan.backend)):
        raise UsageError(
            f"packages changed since this run began ({'; '.join(changed[:4])}), so it could not go on exactly",
            where=run.run_id,
            hint=f"install the old versions to resume it, or {_ANEW}",
        )


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {then.get(name, 'absent')} → {now.get(name, 'absent')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]


def _require_no_other_wish(request: TrainRequest, plan: Plan, run: Run, lineage: Lineage) -> None:
    """Raise UsageError for a flag that differs from the plan: a resume may repeat what the run does, not change it."""
    wishes: list[tuple[str, object, object]] = [
        ("--steps", request.steps, plan.steps),
        ("--seed", request.seed, plan.recipe.seed),
        ("--phase", None if request.phase == "auto" else request.phase, plan.phase),
        ("--backend", None if request.backend == "auto" else request.backend, plan.backend),
    ]
    if request.parent:
        wishes.append(("--parent", gen_label(lineage.resolve(request.parent)), gen_label(plan.parent_gen)))
    for flag, wish, planned in wishes:
        if wish is not None and wish != planned:
            raise UsageError(
                f"the run to resume has {flag} {planned}, not {wish}",
                where=run.run_id,
                hint=f"leave {flag} out to resume it, or leave --resume out to begin another run",
            )
