"""The gate: a generation that misses a target is rejected, with the reasons in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.config.schema import EvalSection
from ledger.lineage import Lineage
from probes.examine import Examination
from probes.statistics.intervals import Score


def missed_targets(
    examination: Examination, targets: EvalSection, stopped_by_eos: bool, *, when_new: Mapping[int, float]
) -> list[str]:
    """Return what the generation misses, [] when it passes.

    Recall and generalization must be above their targets, style drift below its own, the share of tone probes answered
    at its target or above, and at least one trained answer must end by itself. Where questions were taught, the share
    of answers that first go on with the prompt must be at its target or below: documents teach nothing else. Where
    `recall_scope` is "ancestors", of what every ancestor scored on its own exam (`when_new`, by GEN_ID) a share above
    the recall target must stand.
    """
    missed: list[str] = []
    recall, general = examination.recall, examination.generalization
    drift, answered = examination.drift, examination.answered
    if not recall.value > targets.recall_target:
        missed.append(f"recall {recall.value:.3f} is not above {targets.recall_target:g} (n {recall.n})")
    missed += _forgotten(examination, targets, when_new)
    if not general.value > targets.generalization_target:
        missed.append(
            f"generalization {general.value:.3f} is not above {targets.generalization_target:g} (n {general.n})"
        )
    if not drift.value < targets.drift_target:
        missed.append(f"style drift {drift.value:.3f} is not below {targets.drift_target:g} (n {drift.n})")
    if answered.value < targets.answered_target:
        missed.append(
            f"it falls silent: {answered.value:.2f} of the tone probes answered, not {targets.answered_target:g} "
            f"(n {answered.n})"
        )
    continued = _gated_continued(examination)
    if continued is not None and continued.value > targets.continued_target:
        missed.append(
            f"it finishes the person's sentence: {continued.value:.2f} of the answers first go on with the prompt, "
            f"more than {targets.continued_target:g} (n {continued.n})"
        )
    if not stopped_by_eos:
        missed.append("it never stops: no trained answer ended with EOS")
    return missed


def passes(examination: Examination, targets: EvalSection, *, when_new: Mapping[int, float]) -> dict[str, bool]:
    """Return, score by score, whether its target is met; `ancestors` is among them where they are asked for."""
    met = {
        "recall": examination.recall.value > targets.recall_target,
        "generalization": examination.generalization.value > targets.generalization_target,
        "drift": examination.drift.value < targets.drift_target,
        "answered": examination.answered.value >= targets.answered_target,
    }
    if (continued := _gated_continued(examination)) is not None:
        met["continued"] = continued.value <= targets.continued_target
    if targets.recall_scope == "ancestors":
        met["ancestors"] = not _forgotten(examination, targets, when_new)
    return met


def scores_when_new(lineage: Lineage, path: Iterable[int]) -> dict[int, float]:
    """Return by GEN_ID what each generation of `path` scored on its own exam when it was judged, as recorded."""
    scores = {gen: lineage.node(gen).row.eval_generalization for gen in path}
    return {gen: score for gen, score in scores.items() if score is not None}


def _gated_continued(examination: Examination) -> Score | None:
    return examination.continued if examination.typed_results else None


def _forgotten(examination: Examination, targets: EvalSection, when_new: Mapping[int, float]) -> list[str]:
    """The ancestors of whose exam too little stands. What an ancestor never knew cannot be forgotten."""
    if targets.recall_scope != "ancestors":
        return []
    return [
        f"the exam of G{gen} {score.value:.3f} is {score.value / when_new[gen]:.3f} of the {when_new[gen]:.3f} that "
        f"G{gen} itself scored, not above {targets.recall_target:g} (n {score.n})"
        for gen, score in sorted(examination.by_ancestor.items())
        if score.n and when_new.get(gen) and not score.value / when_new[gen] > targets.recall_target
    ]
