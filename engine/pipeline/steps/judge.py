"""The judge step: the gate and the stop rule, on the evaluation alone. Loss is shown, never trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.core.events import Judged
from engine.evaluation.gate import missed_targets, scores_when_new
from engine.evaluation.stop_rule import PathPoint, stop_reason, unknown_drift
from engine.evaluation.style_eval import comparable_drift
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.steps.export import ExportedModel
from ledger.lineage import Lineage, Node
from probes.examine import Examination


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the reasons for it in words."""

    verdict: Literal["accepted", "rejected", "stopped"]
    reasons: list[str]


def judge(context: Context, plan: Plan, lineage: Lineage, model: ExportedModel, examination: Examination) -> Judgement:
    """Return and emit the verdict: stopped if the stop rule fires, rejected if a target is missed, else accepted."""
    when_new = scores_when_new(lineage, plan.path)
    missed = missed_targets(examination, context.config.eval, model.stopped > 0, when_new=when_new)
    path: list[PathPoint] = []
    for gen in plan.path:
        if (point := _point(lineage.node(gen))) is None:
            path.clear()  # the rule compares neighbours: it cannot look across a generation that was not evaluated
        else:
            path.append(point)
    # The rule looks no further back than this.
    path[-2:] = [_beside(context, point, examination) for point in path[-2:]]
    path.append(PathPoint(plan.gen, examination.generalization.value, examination.drift.value))
    # Repaired data after a rejected batch must not be stopped for it: only a generation that misses a target itself
    # counts as a second failure.
    before = _rejected_before(lineage, plan) if missed else None
    rejected = None if before is None else _beside(context, before, examination)
    rule = context.config.stop_rule
    stop, unseen = stop_reason(path, rule, rejected), unknown_drift(path, rule, rejected)
    notes = [unseen] if unseen and stop is None else []
    for note in notes:
        context.emit.log(f"G{plan.gen}: {note}", "warning")
    if stop is not None:
        judgement = Judgement("stopped", [stop, *missed])
    elif missed:
        judgement = Judgement("rejected", [*missed, *notes])
    else:
        judgement = Judgement("accepted", [f"all targets met; {note}" for note in notes])
    context.emit(Judged, gen=plan.gen, verdict=judgement.verdict, reasons=judgement.reasons)
    return judgement


def _beside(context: Context, point: PathPoint, examination: Examination) -> PathPoint:
    """Return the same generation with a drift that is comparable to the evaluation's.

    Its drift is None if it was probed otherwise.
    """
    answers = examination.tone_answers
    if not answers:
        return point  # no record of the probes that were run
    drift = comparable_drift(context.workspace, context.config, point.gen, answers, point.drift)
    return replace(point, drift=drift)


def _point(node: Node) -> PathPoint | None:
    row = node.row
    if row.eval_generalization is None or row.eval_style_drift is None:
        return None
    return PathPoint(node.gen, row.eval_generalization, row.eval_style_drift)


def _rejected_before(lineage: Lineage, plan: Plan) -> PathPoint | None:
    """Return the generation recorded right before this one, if it has the same parent and was not accepted."""
    before = lineage.nodes()[-1:]
    if not before or before[0].verdict not in ("rejected", "stopped") or before[0].parent_gen != plan.parent_gen:
        return None
    return _point(before[0])
