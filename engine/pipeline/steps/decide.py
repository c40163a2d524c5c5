"""Decide what a generation descends from, is fed and is asked, before anything is written.

Whatever can be refused is refused here: too little for a holdout, too few steps for the data, a parent without
evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from engine.config.recipe import Phase, PhaseRecipe
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum
from engine.data.holdout import clusters_needed, count_clusters, split, split_by_ids
from engine.data.inbox import rated_down
from engine.data.replay import choose_replay, interleave
from engine.data.rows import Row, count_answers
from engine.data.selection import PhaseRequest, Selection, as_taught, select_new
from engine.evaluation.context_check import exam_window, newest_turns, require_fit
from engine.evaluation.coverage_check import warn_untaught
from engine.evaluation.items import make_exams, make_items, questions, read_items
from engine.evaluation.phrase_check import warn_phrases
from engine.evaluation.run_eval import exams_of, phrases, tone_probes
from engine.models.base import require_intact
from engine.models.disk_budget import require_space
from engine.models.lineage_weights import ancestor_data, require_evidence
from engine.pipeline.context import Context
from engine.pipeline.request import TrainRequest
from engine.pipeline.steps.encode import encode, model_window
from engine.pipeline.steps.pace import Step, StepTimer
from engine.pipeline.steps.read_data import read_data
from engine.pipeline.steps.staging import Exams, Material
from engine.training.job import Example
from engine.training.step_budget import plan_accumulation
from ledger.errors import LedgerDamaged
from ledger.lineage import Lineage
from ledger.parents import link_parents
from ledger.row import LedgerRow
from probes.base import Item
from probes.typed import as_typed_items


@dataclass(frozen=True, slots=True)
class Descent:
    """The origin of a generation: its parent (None is the base), all ancestors root first, and the parent's SHA-256."""

    parent: int | None
    path: tuple[int, ...]
    parent_sha: str


@dataclass(frozen=True, slots=True)
class Preparation:
    """Everything that is decided about a generation before it is trained, with nothing written yet.

    `sequences` are the training sequences of each new and replayed row, by its id.
    """

    gen: int
    descent: Descent
    curriculum: Curriculum
    selection: Selection
    recipe: PhaseRecipe
    accumulation: int
    material: Material
    exams: Exams
    sequences: dict[str, tuple[Example, ...]]

    @property
    def fed(self) -> list[Example]:
        """Return the sequences of one pass through the data, in the order they are fed."""
        return [example for fed in self.material.fed for example in self.sequences[fed.row.id]]

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts of answers and texts by what becomes of them, and of sequences and tokens of one pass."""
        material, fed = self.material, self.fed
        return {
            "new": count_answers(material.new),
            "train": count_answers(one.row for one in material.fed),
            "holdout": count_answers(material.holdout),
            "replay": count_answers(one.row for one in material.replay),
            "sequences": len(fed),
            "tokens": sum(len(example.ids) for example in fed),
            "tokens_trained": sum(example.counted for example in fed),
            "tokens_repeated": sum(example.repeated for example in fed),
        }


def decide(context: Context, request: TrainRequest, lineage: Lineage, gen: int) -> Preparation:
    """Select, split and order the data of generation `gen`, and make its exams, without writing anything.

    Raises UsageError when there is nothing new to learn, too little for a holdout, too few steps for the data, or an
    exam item that does not fit the context.
    """
    config, pace = context.config, StepTimer(context.emit, context.control)
    require_intact(context.base)
    descent = _descend(context, request, lineage, gen)
    curriculum, selection, recipe, material = _choose(context, request, descent, gen, pace)
    last = curriculum.stages[-1]
    require_space(context.workspace, context.base, recipe.method)
    context.control.check()
    exam, qa = make_exams(
        material.holdout,
        material.train,
        material.new,
        config.eval.qa_trained_rows,
        gen,
        last,
        pace.phase("making the exam"),
    )
    development = make_items(material.development, material.new, gen, last) if material.development else []
    sequences, exams = _require_room(context, material, descent, recipe, Exams(exam, qa, development), pace)
    fed = _watched([fed.row for fed in material.fed], pace.phase("looking for the exam's answers"))
    untaught = warn_untaught(exam, fed, config.eval.generalization_target)
    train = _watched(material.train, pace.phase("looking for corporate phrases"))
    corporate = warn_phrases(train, phrases(context.workspace, config), config.eval.drift_target)
    for warning in (untaught, corporate):
        if warning:
            context.emit.log(warning, "warning")
    context.control.check()
    fed_once = sum(len(sequences[fed.row.id]) for fed in material.fed)
    accumulation = plan_accumulation(fed_once, recipe.steps, recipe.batch_size, recipe.accumulation)
    if accumulation != recipe.accumulation:
        context.emit.log(
            f"accumulation raised from {recipe.accumulation} to {accumulation} so that "
            f"{counted(recipe.steps, 'step')} feed all {counted(fed_once, 'row')}",
            "warning",
        )
    return Preparation(gen, descent, curriculum, selection, recipe, accumulation, material, exams, sequences)


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
    data = read_data(context, request, pace.phase("reading the data"))
    curriculum = data.curriculum
    context.control.check()
    depth = len(descent.path)
    if request.taught is None:
        selection = select_new(
            cast("PhaseRequest", request.phase),
            curriculum,
            data.inbox,
            seen,
            depth,
            config,
            data.given,
            inbox_first=request.inbox_first,
            too_long=data.too_long,
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
        forbidden_ids={
            *held,
            *(id_ for row in selection.rows for id_ in row.ids),
            *rated_down([*curriculum.rows, *data.inbox]),
        },
    )
    train, development = _keep_development(context, train, depth)
    fed = interleave(train, replay, curriculum.stages)
    return curriculum, selection, recipe, Material(selection.rows, train, holdout, replay, fed, development)


def _keep_development(context: Context, train: list[Row], depth: int) -> tuple[list[Row], list[Row]]:
    """Split off the development rows that rescue chooses by, and return (training rows, development rows).

    There are none where rescue is off, or where the rows are too few: then all are trained on.
    """
    rescue = context.config.rescue
    if not rescue.enabled:
        return train, []
    if count_clusters(train) < clusters_needed(rescue.development):
        context.emit.log(
            f"rescue: {counted(count_answers(train), 'row is', 'rows are')} too few to keep some for choosing",
            "warning",
        )
        return train, []
    return split(train, rescue.development, f"dev G{depth}")


def _watched(rows: Sequence[Row], step: Step) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        step(number, len(rows))
        yield row


def _require_room(
    context: Context, material: Material, descent: Descent, recipe: PhaseRecipe, exams: Exams, pace: StepTimer
) -> tuple[dict[str, tuple[Example, ...]], Exams]:
    """Return the sequences of each row by its id, and the exams with as much of their history as fits the context.

    Raises UsageError for what would only fail after training: rows and items longer than the context, unusable probes.
    """
    workspace, runtime = context.workspace, context.runtime
    rows = [*material.new, *(fed.row for fed in material.replay)]
    encoded = encode(runtime, context.base, rows, recipe, pace.phase("counting the rows' tokens"))
    info = runtime.load(context.base.gguf, vocab_only=True)
    room = min(recipe.context, model_window(info))
    fitted = newest_turns(runtime, [*exams.qa, *exams.development], room)
    qa, development = fitted[: len(exams.qa)], fitted[len(exams.qa) :]
    exams = Exams(qa[: len(exams.exam)], qa, development)
    parent = workspace.generation(descent.parent) if descent.parent is not None else None
    asked = [*qa, *(read_items(parent / "qa.jsonl") if parent else [])]
    items = [
        *asked,
        *development,
        *(item for _, item in as_typed_items(questions(asked))),
        *(item for exam in exams_of(workspace, descent.path).values() for item in exam),
    ]
    phrases(workspace, context.config)
    items += [
        Item(id=probe.id, prompt=probe.prompt, expected="", how="match")
        for probe in tone_probes(workspace, context.config)
    ]
    names = {id_: row.source for row in material.new if row.source for id_ in row.ids}
    window = min(exam_window(context.config), model_window(info))
    require_fit(runtime, items, window, names, pace.phase("counting the exams' tokens"))
    return {row.id: sequences for row, sequences in zip(rows, encoded, strict=True)}, exams
