"""Rescue: before a generation that missed a target is rejected, try models with less of its change.

For a few shares α the model α·child + (1−α)·parent is built and scored on the development rows (the new) and the
parent's trained rows (the old), never on the exams. The best of them is evaluated on the exams once; the outcome is
recorded in any case.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.core.events import ProgressReporter
from engine.evaluation.context_check import exam_window
from engine.evaluation.items import read_items
from engine.evaluation.run_eval import watch, write_examination
from engine.models.lineage_weights import weights_dir
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.steps.evaluate import sit
from engine.pipeline.steps.export import ExportedModel, check_export, export_delta, note_export
from engine.pipeline.steps.judge import Judgement, judge
from engine.pipeline.steps.train import Trained
from engine.workspace.runs import Run
from ledger.durable import make_durable
from ledger.lineage import Lineage
from probes.base import Item
from probes.examine import Examination
from probes.scoring import score_items

_KEPT = ("evals.json", "eval_items.jsonl", "typed_items.jsonl", "tone_answers.jsonl", "delta.safetensors")


@dataclass(frozen=True, slots=True)
class Trial:
    """A share α of the change, and how the model with it scores on new and on old rows.

    `new` is the share answered right of the new rows kept for this, `old` of the parent's trained rows; None where
    there are no rows.
    """

    alpha: float
    new: float | None
    old: float | None

    @property
    def score(self) -> float:
        """The mean of the shares that are known, 0.0 without any."""
        known = [value for value in (self.new, self.old) if value is not None]
        return sum(known) / len(known) if known else 0.0

    def __str__(self) -> str:
        parts = [f"{name} {value:.2f}" for name, value in (("new", self.new), ("old", self.old)) if value is not None]
        return f"α {self.alpha:g}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Rescued:
    """What to record after a rescue was tried, and `facts` of the attempt for the manifest.

    `alpha` is the share of the change that the recorded child keeps: 1 where the rescue failed.
    """

    trained: Trained
    model: ExportedModel
    examination: Examination
    judgement: Judgement
    alpha: float
    facts: dict[str, Any]


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the best mean of new and old; of equals the one that keeps most of what was learned."""
    return max(trials, key=lambda trial: (trial.score, trial.alpha))


def rescue(
    context: Context,
    run: Run,
    plan: Plan,
    lineage: Lineage,
    trained: Trained,
    model: ExportedModel,
    examination: Examination,
    judgement: Judgement,
) -> Rescued:
    """Try to rescue a rejected child, and return what to record: the rescued one if it meets every target."""
    work = run.work / "rescue"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    new, old = _development(context, run, plan)
    if not new and not old:
        context.emit.log("rescue: there are no rows to choose by", "warning")
        return Rescued(trained, model, examination, judgement, 1.0, {"tried": [], "confirmed": False})
    context.emit.log(f"rescue: missed {'; '.join(judgement.reasons)}; trying less of the change")
    as_trained = _trial(context, plan, 1.0, model.gguf, new, old)
    trials: list[Trial] = []
    for alpha in sorted(set(context.config.rescue.alphas), reverse=True):
        gguf, _ = _mixed(context, plan, trained, alpha, work)
        trials.append(_trial(context, plan, alpha, gguf, new, old))
        gguf.unlink()
        context.emit.log(f"rescue: {trials[-1]} (as trained: {as_trained})")
    chosen = choose(trials)
    context.emit.log(f"rescue: {chosen.alpha:g} of the change is best; it sits the exams, once")
    gguf, delta = _mixed(context, plan, trained, chosen.alpha, work)
    mixed = check_export(context, run, plan, gguf)
    confirmed = sit(context, run, plan, mixed)
    verdict = judge(context, plan, lineage, mixed, confirmed)
    facts: dict[str, Any] = {
        "tried": [{"alpha": trial.alpha, "new": trial.new, "old": trial.old} for trial in (as_trained, *trials)],
        "chosen": chosen.alpha,
        "confirmed": verdict.verdict == "accepted",
        "as_trained": {"scores": examination.summary(), "reasons": judgement.reasons, "child_sha": model.child_sha},
        "mixed": {"scores": confirmed.summary(), "reasons": verdict.reasons, "child_sha": mixed.child_sha},
    }
    tried = ", ".join(f"{trial.alpha:g}" for trial in trials)
    if verdict.verdict != "accepted":
        missed = (
            f"rescue tried {tried} of the change; the best, {chosen.alpha:g}, missed too: {'; '.join(verdict.reasons)}"
        )
        context.emit.log(missed, "warning")
        return Rescued(
            trained, model, examination, replace(judgement, reasons=[*judgement.reasons, missed]), 1.0, facts
        )
    _adopt(run, mixed, delta, model.gguf, confirmed)
    kept = f"rescued: {chosen.alpha:g} of the change is kept (tried {tried}); as trained it missed: "
    context.emit.log(kept + "; ".join(judgement.reasons))
    verdict = replace(verdict, reasons=[kept + "; ".join(judgement.reasons)])
    adopted = replace(mixed, gguf=model.gguf)
    return Rescued(trained, adopted, confirmed, verdict, chosen.alpha, facts)


def undo_rescue(run: Run) -> None:
    """Restore what an interrupted rescue has replaced in the run's staging, so that it can be tried again."""
    original = run.work / "rescue" / "original"
    if not (original / "complete").exists():
        return
    for path in original.iterdir():
        if path.name == "exported.json":
            shutil.copyfile(path, run.exported)
        elif path.name != "complete":
            shutil.copyfile(path, run.staging / path.name)
    make_durable(run.staging)
    shutil.rmtree(run.work / "rescue")


def _development(context: Context, run: Run, plan: Plan) -> tuple[list[Item], list[Item]]:
    """Return the new rows kept for choosing, and the trained rows of the parent's QA set; no exam is among them."""
    new = read_items(run.staging / "development.jsonl")
    if not plan.path:
        return new, []
    parent = context.workspace.generation(plan.path[-1])
    exam = {item.id for item in read_items(parent / "exam.jsonl")}
    return new, [item for item in read_items(parent / "qa.jsonl") if item.id not in exam]


def _mixed(context: Context, plan: Plan, trained: Trained, alpha: float, work: Path) -> tuple[Path, Path]:
    """Write the GGUF and the delta of parent + α·change, and return their paths in this order."""
    from engine.gguf.weights import load_weights, scale_delta

    context.control.check()
    delta, gguf = work / f"delta-{alpha:g}.safetensors", work / f"mixed-{alpha:g}.gguf"
    parent = load_weights(weights_dir(context.workspace, context.base, plan.path))
    scale_delta(trained.delta, alpha, parent, delta)
    del parent
    export_delta(context, plan, delta, gguf)
    return gguf, delta


def _trial(context: Context, plan: Plan, alpha: float, gguf: Path, new: Sequence[Item], old: Sequence[Item]) -> Trial:
    config = context.config
    context.runtime.load(gguf, n_ctx=exam_window(config), n_parallel=config.eval.parallel, threads=plan.threads)
    progress = watch(ProgressReporter(context.emit), context.control, config.eval.max_seconds)
    results = score_items(context.runtime, [*new, *old], progress=progress, label=f"rescue α {alpha:g}")
    right = [result.right for result in results]
    return Trial(alpha, _share(right[: len(new)]), _share(right[len(new) :]))


def _share(right: Sequence[bool]) -> float | None:
    return sum(right) / len(right) if right else None


def _adopt(run: Run, mixed: ExportedModel, delta: Path, gguf: Path, examination: Examination) -> None:
    """Replace the trained child in staging by the rescued one; `undo_rescue` can revert it until it is recorded."""
    original = run.work / "rescue" / "original"
    original.mkdir()
    for path in (*(run.staging / name for name in _KEPT), gguf):
        shutil.copyfile(path, original / path.name)
    shutil.copyfile(run.exported, original / "exported.json")
    make_durable(original)
    (original / "complete").touch()
    make_durable(original)
    shutil.copyfile(delta, run.staging / "delta.safetensors")
    shutil.copyfile(mixed.gguf, gguf)
    write_examination(run.staging, examination)
    note_export(run, replace(mixed, gguf=gguf))
    make_durable(run.staging)
