"""The gate: reject a generation that misses a target, with the reasons in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.config.schema import EvalSection
from ledger.lineage import Lineage
from probes.examine import Examination
from probes.statistics.intervals import Score


def missed_targets(
    examination: Examination, targets: EvalSection, stopped_by_eos: bool, *, when_new: Mapping[int, float]
) -> list[str]:
    """Return one sentence for each target that the generation misses, [] when it passes.

    Recall and generalization must be above their targets, style drift below its own, the share of tone probes answered
    at its target or above, and at least one trained answer must end with EOS. Where the generation was trained on
    questions, the share of answers that first continue the prompt must be at its target or below; documents alone teach
    a model to continue. Where `recall_scope` is "ancestors", the score on every ancestor's exam, as a share of what
    that ancestor scored on it when new (`when_new`, by GEN_ID), must be above the recall target.
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
    """Return, score by score, whether its target is met.

    `continued` is included only where questions were evaluated as typed, `ancestors` only where `recall_scope` is
    "ancestors".
    """
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
    """Return, by GEN_ID, the recorded score of each generation of `path` on its own exam at the time it was judged.

    Generations without a recorded score are left out.
    """
    scores = {gen: lineage.node(gen).row.eval_generalization for gen in path}
    return {gen: score for gen, score in scores.items() if score is not None}


def _gated_continued(examination: Examination) -> Score | None:
    return examination.continued if examination.typed_results else None


def _forgotten(examination: Examination, targets: EvalSection, when_new: Mapping[int, float]) -> list[str]:
    """Return one sentence for each ancestor whose exam is forgotten; what it never knew cannot be forgotten."""
    if targets.recall_scope != "ancestors":
        return []
    return [
        f"the exam of G{gen} {score.value:.3f} is {score.value / when_new[gen]:.3f} of the {when_new[gen]:.3f} that "
        f"G{gen} itself scored, not above {targets.recall_target:g} (n {score.n})"
        for gen, score in sorted(examination.by_ancestor.items())
        if score.n and when_new.get(gen) and not score.value / when_new[gen] > targets.recall_target
    ]
