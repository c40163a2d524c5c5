"""The prepare step: decide what a generation descends from and is fed, and write it down before anything is trained.

Whatever can be refused is refused here: rows that do not fit, too few steps for the data, a parent without evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from engine.config.recipe import Phase, PhaseRecipe
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.core.events import DataPrepared
from engine.data.curriculum import Curriculum, read_curriculum, read_files
from engine.data.holdout import clusters_needed, count_clusters, split, split_by_ids
from engine.data.inbox import rated_down, usable
from engine.data.readers import SUFFIXES
from engine.data.replay import choose_replay, interleave
from engine.data.rows import Row
from engine.data.selection import PhaseRequest, Selection, as_taught, phase_of_depth, select_new
from engine.evaluation.context_check import exam_window, require_fit
from engine.evaluation.coverage_check import warn_untaught
from engine.evaluation.items import questions, read_items
from engine.evaluation.phrase_check import warn_phrases
from engine.evaluation.run_eval import exams_of, phrases, tone_probes
from engine.models.base import require_intact
from engine.models.disk_budget import require_space
from engine.models.lineage_weights import ancestor_data, require_evidence
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.request import TrainRequest
from engine.pipeline.row_lengths import HINT, measure
from engine.pipeline.steps.encode import encode, model_window
from engine.pipeline.steps.pace import Step, StepTimer
from engine.pipeline.steps.staging import Material, make_exams, write_staging
from engine.training.provenance import arithmetic, package_versions
from engine.training.step_budget import plan_accumulation
from engine.workspace.runs import Run
from ledger.errors import LedgerDamaged
from ledger.hashing import sha256_file
from ledger.lineage import Lineage
from ledger.parents import link_parents
from ledger.row import LedgerRow
from probes.base import Item
from probes.typed import as_typed_items

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Descent:
    """The origin of a generation: its parent (None is the base), all ancestors root first, and the parent's SHA-256."""

    parent: int | None
    path: tuple[int, ...]
    parent_sha: str


def prepare(
    context: Context, run: Run, request: TrainRequest, lineage: Lineage, gen: int, backend: str, threads: int
) -> Plan:
    """Select, split and order the data of generation `gen`, write it into the run's staging, and return the plan.

    Raises UsageError when there is nothing new to learn, too little for a holdout, too few steps for the data, or a row
    or an exam item that does not fit the context; nothing is written then.
    """
    config, pace = context.config, StepTimer(context.emit, context.control)
    require_intact(context.base)
    descent = _descend(context, request, lineage, gen)
    curriculum, selection, recipe, material = _choose(context, request, descent, gen, pace)
    accumulation = plan_accumulation(len(material.fed), recipe.steps, recipe.batch_size, recipe.accumulation)
    if accumulation != recipe.accumulation:
        context.emit.log(
            f"accumulation raised from {recipe.accumulation} to {accumulation} so that "
            f"{counted(recipe.steps, 'step')} feed all {counted(len(material.fed), 'row')}",
            "warning",
        )
    require_space(context.workspace, context.base, recipe.method)
    context.control.check()
    exam, qa = make_exams(material, gen, curriculum.stages[-1], config.eval.qa_trained_rows, pace)
    _require_room(context, material, descent, recipe, qa, pace)
    fed = _watched([fed.row for fed in material.fed], pace.phase("looking for the exam's answers"))
    untaught = warn_untaught(exam, fed, config.eval.generalization_target)
    train = _watched(material.train, pace.phase("looking for corporate phrases"))
    corporate = warn_phrases(train, phrases(context.workspace, config), config.eval.drift_target)
    for warning in (untaught, corporate):
        if warning:
            context.emit.log(warning, "warning")
    context.control.check()

    write_staging(run.staging, material, exam, qa, gen, curriculum.stages[-1], pace)
    plan = Plan(
        run_id=run.run_id,
        gen=gen,
        parent_gen=descent.parent,
        path=descent.path,
        phase=selection.phase,
        backend=backend,
        recipe=recipe,
        steps=recipe.steps,
        accumulation=accumulation,
        threads=threads,
        quant=config.export.quant,
        base=context.base.facts(),
        parent_sha=descent.parent_sha,
        data_delta_sha=sha256_file(run.staging / "data" / "new.jsonl"),
        train_sha=sha256_file(run.staging / "data" / "train.jsonl"),
        counts={
            "new": len(material.new),
            "train": len(material.fed),
            "holdout": len(material.holdout),
            "replay": len(material.replay),
        },
        by_stage=dict(Counter(fed.row.stage for fed in material.fed)),
        selection=selection.to_dict(),
        curriculum={**curriculum.to_dict(), "duplicates": len(curriculum.duplicates)},
        stages=curriculum.stages,
        versions=package_versions(backend) | arithmetic(recipe.precision),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    plan.write(run.plan)
    context.emit.log(selection.reason)
    return plan


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


def _descend(context: Context, request: TrainRequest, lineage: Lineage, gen: int) -> Descent:
    parent = lineage.resolve(request.parent) if request.parent else lineage.head
    path = (*lineage.ancestors(parent), parent) if parent is not None else ()
    for ancestor in path:
        require_evidence(context.workspace, ancestor)
    parent_sha = lineage.node(parent).row.child_sha if parent is not None else context.base.sha
    child = LedgerRow(gen, parent_sha, "0" * 64, "0" * 64, 0, 0.0, 0.0, None, None, None, None, None)
    try:
        # What the ledger would refuse after the training is refused before it.
        link_parents([*(node.row for node in lineage.nodes()), child])
    except LedgerDamaged as error:
        raise UsageError(
            f"this ledger cannot take G{gen}: {error.title}",
            where=str(context.workspace.ledger.path),
            hint="its rows descend from another base (or one written by hand); train in a workspace of its own",
        ) from error
    return Descent(parent, path, parent_sha)


def _choose(
    context: Context, request: TrainRequest, descent: Descent, gen: int, pace: StepTimer
) -> tuple[Curriculum, Selection, PhaseRecipe, Material]:
    """Read the available data and decide which of it is trained on, held out and replayed."""
    config = context.config
    ancestors, seen, held = ancestor_data(context.workspace, descent.path)
    curriculum, inbox, given = _read(context, request, pace.phase("reading the data"))
    context.control.check()
    depth = len(descent.path)
    if request.taught is None:
        selection = select_new(
            cast("PhaseRequest", request.phase),
            curriculum,
            inbox,
            seen,
            depth,
            config,
            given,
            inbox_first=request.inbox_first,
            too_long=_too_long(context, request, inbox, seen, depth),
        )
        train, holdout = split(selection.rows, config.curriculum.holdout, f"G{depth}")
    else:
        selection = as_taught(cast("Phase", request.phase), request.taught.rows)
        train, holdout = split_by_ids(selection.rows, request.taught.held_out)
    context.control.check()
    recipe = config.recipe(selection.phase)
    replay = choose_replay(
        ancestors,
        config.replay.rows,
        config.replay.scope,
        child_gen=gen,
        seed=recipe.seed,
        forbidden_ids={*held, *(row.id for row in selection.rows), *rated_down([*curriculum.rows, *inbox])},
    )
    train, development = _keep_development(context, train, depth)
    fed = interleave(train, replay, curriculum.stages)
    return curriculum, selection, recipe, Material(selection.rows, train, holdout, replay, fed, development)


def _too_long(
    context: Context, request: TrainRequest, inbox: Sequence[Row], seen: Collection[str], depth: int
) -> Collection[str]:
    """Log which rows of the inbox exceed the context and return their ids; none under --strict, which refuses them."""
    phase = phase_of_depth(depth) if request.phase == "auto" else request.phase
    if request.strict or phase != "converse":
        return ()
    rows = [row for row in usable(inbox)[0] if row.id not in seen]
    lengths = measure(context.workspace, context.config, rows, context.runtime)
    bad = lengths.as_bad_rows(rows)
    for row in bad[:_SHOWN]:
        context.emit.log(f"left out: {row.file}:{row.line}: {row.reason}; {HINT}", "warning")
    if len(bad) > _SHOWN:
        context.emit.log(f"left out too: {counted(len(bad) - _SHOWN, 'more line')} (luna-tui inbox list)", "warning")
    return lengths.too_long


def _keep_development(context: Context, train: list[Row], depth: int) -> tuple[list[Row], list[Row]]:
    """Split off the development rows that rescue chooses by, and return (training rows, development rows).

    There are none where rescue is off, or where the rows are too few: then all are trained on.
    """
    rescue = context.config.rescue
    if not rescue.enabled:
        return train, []
    if count_clusters(train) < clusters_needed(rescue.development):
        context.emit.log(
            f"rescue: {counted(len(train), 'row is', 'rows are')} too few to keep some for choosing", "warning"
        )
        return train, []
    return split(train, rescue.development, f"dev G{depth}")


def _watched(rows: Sequence[Row], step: Step) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        step(number, len(rows))
        yield row


def _read(context: Context, request: TrainRequest, step: Step) -> tuple[Curriculum, list[Row], list[Row] | None]:
    """Read the curriculum and the inbox, or, as the third value, the files given with --data; bad rows are logged."""
    config, root = context.config.curriculum, context.workspace.root
    last, limit = config.stages[-1], config.max_line_bytes
    if request.taught is not None:
        return read_files([], last, stages=config.stages, max_line_bytes=limit), [], None
    if request.data:
        read = read_files(request.data, last, stages=config.stages, max_line_bytes=limit, on_done=step)
        _tell_bad(context, request, read)
        if not read.rows:
            where = ", ".join(str(path) for path in request.data)
            reasons = "; ".join(f"{bad.file}:{bad.line} {bad.reason}" for bad in read.bad[:3])
            raise UsageError(f"no usable row in the data given{': ' + reasons if reasons else ''}", where=where)
        return read, [], list(read.rows)
    curriculum = read_curriculum(root / config.path, config.stages, max_line_bytes=limit, on_done=step)
    inbox = read_files([root / config.inbox], last, stages=config.stages, max_line_bytes=limit, missing_ok=True)
    _tell_bad(context, request, curriculum)
    _tell_bad(context, request, inbox)
    return curriculum, list(inbox.rows), None


def _tell_bad(context: Context, request: TrainRequest, read: Curriculum) -> None:
    """Log which rows are left out, or, under --strict, refuse to train without them."""
    if request.strict:
        read.refuse_bad()
    for bad in read.bad:
        context.emit.log(f"bad row left out: {bad.file}:{bad.line} {bad.reason}", "warning")
    for note in read.notes:
        context.emit.log(note, "warning")
    unread = [name for name in read.ignored if not name.rstrip("/").rpartition("/")[2].startswith(".")]
    if unread:
        shown = ", ".join(unread[:3]) + (" …" if len(unread) > 3 else "")
        known = " ".join(SUFFIXES)
        context.emit.log(f"not read, since these are no data files ({known}): {len(unread)}: {shown}", "warning")


def _require_room(
    context: Context, material: Material, descent: Descent, recipe: PhaseRecipe, qa: Sequence[Item], pace: StepTimer
) -> None:
    """Raise for what would only fail after training: rows and exam items longer than the context, unusable probes."""
    workspace, runtime = context.workspace, context.runtime
    rows = [*material.new, *(fed.row for fed in material.replay)]
    encode(runtime, context.base, rows, recipe, pace.phase("counting the rows' tokens"))
    parent = workspace.generation(descent.parent) if descent.parent is not None else None
    asked = [*qa, *(read_items(parent / "qa.jsonl") if parent else [])]
    items = [
        *asked,
        *(item for _, item in as_typed_items(questions(asked))),
        *(item for exam in exams_of(workspace, descent.path).values() for item in exam),
    ]
    phrases(workspace, context.config)
    items += [
        Item(id=probe.id, prompt=probe.prompt, expected="", how="match")
        for probe in tone_probes(workspace, context.config)
    ]
    window = min(exam_window(context.config), model_window(runtime.load(context.base.gguf, vocab_only=True)))
    names = {row.id: row.source for row in material.new if row.source}
    require_fit(runtime, items, window, names, pace.phase("counting the exams' tokens"))
