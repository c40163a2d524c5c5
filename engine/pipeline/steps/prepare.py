"""The prepare step: what was decided about a generation is written down before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from engine.core.counted import counted
from engine.core.events import DataPrepared
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.request import TrainRequest
from engine.pipeline.steps.decide import decide
from engine.pipeline.steps.staging import Material, write_staging
from engine.training.provenance import arithmetic, package_versions
from engine.workspace.runs import Run
from ledger.hashing import sha256_file
from ledger.lineage import Lineage


def prepare(
    context: Context, run: Run, request: TrainRequest, lineage: Lineage, gen: int, backend: str, threads: int
) -> Plan:
    """Decide about generation `gen`, write its data into the run's staging, and return the plan; raises as `decide`."""
    made = decide(context, request, lineage, gen)
    material, recipe = made.material, made.recipe
    write_staging(run.staging, material, made.exams)
    plan = Plan(
        run_id=run.run_id,
        gen=gen,
        parent_gen=made.descent.parent,
        path=made.descent.path,
        phase=made.selection.phase,
        backend=backend,
        recipe=recipe,
        steps=recipe.steps,
        accumulation=made.accumulation,
        threads=threads,
        quant=context.config.export.quant,
        base=context.base.facts(),
        parent_sha=made.descent.parent_sha,
        data_delta_sha=sha256_file(run.staging / "data" / "new.jsonl"),
        train_sha=sha256_file(run.staging / "data" / "train.jsonl"),
        counts=made.counts,
        by_stage=_by_stage(material),
        selection=made.selection.to_dict(),
        curriculum={**made.curriculum.to_dict(), "duplicates": len(made.curriculum.duplicates)},
        stages=made.curriculum.stages,
        versions=package_versions(backend) | arithmetic(recipe.precision),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    plan.write(run.plan)
    context.emit.log(made.selection.reason)
    if any(fed.row.kind == "chat" for fed in material.fed):
        context.emit.log(cost_sentence(plan.counts))
    return plan


def cost_sentence(counts: Mapping[str, int]) -> str:
    """Return what one pass through the data costs in words, from the counts of a `Preparation`."""
    repeated = counts["tokens_repeated"]
    share = f", {repeated:,} of them history repeated" if repeated else ""
    return (
        f"{counted(counts['train'], 'answer or text', 'answers and texts')} in "
        f"{counted(counts['sequences'], 'sequence')} of {counts['tokens']:,} tokens{share}"
    )


def _by_stage(material: Material) -> dict[str, int]:
    found: Counter[str] = Counter()
    for fed in material.fed:
        found[fed.row.stage] += fed.row.size
    return dict(found)


def emit_data(context: Context, plan: Plan) -> None:
    """Emit the counts of the data the generation is fed; a resume emits them again, as its screen has not seen them."""
    context.emit(
        DataPrepared,
        new_rows=plan.counts["new"],
        train_rows=plan.counts["train"],
        holdout_rows=plan.counts["holdout"],
        replay_rows=plan.counts["replay"],
        by_stage=plan.by_stage,
        bad_rows=len(plan.curriculum["bad"]),
        duplicates=int(plan.curriculum["duplicates"]),
        data_delta_sha=plan.data_delta_sha,
    )
