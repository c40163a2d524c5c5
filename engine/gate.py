"""The gate: a generation that misses a target is rejected, with the reasons in words."""

from __future__ import annotations

from engine.config import EvalSection
from probes.examine import Examination


def missed_targets(examination: Examination, targets: EvalSection, stopped_by_eos: bool) -> list[str]:
    """Return what the generation misses, [] when it passes.

    Recall and generalization must be above their targets, style drift below its own, the share of tone probes answered
    at its target or above, and at least one trained answer must end by itself.
    """
    missed: list[str] = []
    recall, general = examination.recall, examination.generalization
    drift, answered = examination.drift, examination.answered
    if not recall.value > targets.recall_target:
        missed.append(f"recall {recall.value:.3f} is not above {targets.recall_target:g} (n {recall.n})")
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
    if not stopped_by_eos:
        missed.append("it never stops: no trained answer ended with EOS")
    return missed


def passes(examination: Examination, targets: EvalSection) -> dict[str, bool]:
    """Return, score by score, whether its target is met."""
    return {
        "recall": examination.recall.value > targets.recall_target,
        "generalization": examination.generalization.value > targets.generalization_target,
        "drift": examination.drift.value < targets.drift_target,
        "answered": examination.answered.value >= targets.answered_target,
    }
