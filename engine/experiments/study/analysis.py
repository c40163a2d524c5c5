"""The results of a study: both ways of training side by side, what chance explains, and a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.experiments.study.evaluate_arms import Answers
from probes.statistics.replicas import Difference, Spread, difference, spread

KINDS = ("micro", "one-shot")
FEW_SEEDS = 5
"""With fewer seeds than this the spread over seeds is itself hardly known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One comparison of the study: the spread of both ways over the seeds, the base, and micro minus one-shot."""

    what: str
    micro: Spread
    one_shot: Spread
    base: float
    difference: Difference

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        return {
            "what": self.what,
            "micro": self.micro.to_dict(),
            "one_shot": self.one_shot.to_dict(),
            "base": self.base,
            "difference": self.difference.to_dict(),
        }


def conclude(answers: Mapping[str, Sequence[Answers]], base: Answers) -> dict[str, Any]:
    """Return the comparisons on all items together and on each generation's exam, the tone, and the verdict in words.

    `answers` has the models of `micro` and of `one-shot`, a model a seed. The verdict is `supported` when micro is
    better on all items beyond chance, `refuted` when it is worse, else `undecided`.
    """
    micro, one_shot = answers["micro"], answers["one-shot"]
    whole = _finding("all exams", [a.items for a in micro], [a.items for a in one_shot], base.items)
    exams = [
        _finding(
            f"the exam of G{gen}", [a.exams[gen] for a in micro], [a.exams[gen] for a in one_shot], base.exams[gen]
        )
        for gen in base.exams
    ]
    drifts = {kind: spread([answer.drift.value for answer in answers[kind]]).to_dict() for kind in KINDS}
    verdict = {"better": "supported", "worse": "refuted", "within noise": "undecided"}[whole.difference.verdict]
    return {
        "verdict": verdict,
        "words": [*_words(verdict, whole, exams, drifts, base.drift.value), *_other_probes([*micro, *one_shot, base])],
        "all": whole.to_dict(),
        "exams": [finding.to_dict() for finding in exams],
        "drift": {**drifts, "base": base.drift.value},
        "cards": _cards(answers, base),
    }


def _finding(
    what: str, micro: Sequence[Mapping[str, float]], one_shot: Sequence[Mapping[str, float]], base: Mapping[str, float]
) -> Estimate:
    return Estimate(
        what,
        spread([_share(run) for run in micro]),
        spread([_share(run) for run in one_shot]),
        _share(base),
        difference(one_shot, micro),
    )


def _share(run: Mapping[str, float]) -> float:
    return sum(run.values()) / len(run) if run else 0.0


def _cards(answers: Mapping[str, Sequence[Answers]], base: Answers) -> dict[str, Any] | None:
    if base.cards is None:
        return None
    told = {
        kind: spread([answer.cards.value for answer in answers[kind] if answer.cards is not None]).to_dict()
        for kind in KINDS
    }
    return {**told, "base": base.cards.value, "n": base.cards.n}


def _words(
    verdict: str,
    whole: Estimate,
    exams: Sequence[Estimate],
    drifts: Mapping[str, Mapping[str, Any]],
    base_drift: float,
) -> list[str]:
    """Return the verdict as sentences for a reader who knows no statistics, with the numbers they rest on."""
    change = whole.difference
    seeds = f"{whole.micro.n} seeds each"
    figures = (
        f"{whole.micro.mean:.3f} against {whole.one_shot.mean:.3f} of {change.n} exam items ({seeds}; difference "
        f"{change.value:+.3f}, 95 % interval {change.low:+.3f} to {change.high:+.3f})"
    )
    claim = "micro-generations and one-shot training on the same rows and the same trained tokens"
    first = {
        "supported": "The claim held here: of micro-generations and one-shot training on the same rows and the same "
        f"trained tokens, micro-generations scored better: {figures}.",
        "refuted": "The claim was NOT supported: of micro-generations and one-shot training on the same rows and the "
        f"same trained tokens, one-shot training scored better: {figures}.",
        "undecided": f"The claim was NOT supported here: {claim} differ by no more than chance explains: {figures}.",
    }[verdict]
    sentences = [first]
    sentences += few_seeds(min(whole.difference.seeds))
    for finding in exams:
        if finding.difference.verdict != "within noise":
            sentences.append(
                f"On {finding.what} micro-generations were {finding.difference.verdict}: {finding.micro.mean:.3f} "
                f"against {finding.one_shot.mean:.3f} "
                f"({finding.difference.low:+.3f} to {finding.difference.high:+.3f})."
            )
    sentences.append(
        f"The base knew {whole.base:.3f} of the same items{_what_mattered(whole)}. Style drift: "
        f"{drifts['micro']['mean']:.2f} against {drifts['one-shot']['mean']:.2f}, the base {base_drift:.2f}."
    )
    sentences.append(
        f"Another seed alone moves the score by about {max(whole.micro.sd, whole.one_shot.sd):.3f} (standard "
        "deviation). One base model, one curriculum: nothing is said here about bigger models or other domains."
    )
    return sentences


def _other_probes(answers: Sequence[Answers]) -> list[str]:
    other = [answer.label for answer in answers if answer.other_probes]
    if not other:
        return []
    return [
        f"The style drift of {', '.join(other)} answers other tone probes than the lineage's: it is not comparable."
    ]


def few_seeds(seeds: int) -> list[str]:
    """Return a caveat where a way was trained with too few seeds to know how far a seed moves a score, else []."""
    if seeds >= FEW_SEEDS:
        return []
    return [
        f"Only {seeds} seeds each: how far another seed moves a score is itself hardly known from so few, so the "
        f"interval is wide and may miss a real difference; {FEW_SEEDS} or more tell better."
    ]


def _what_mattered(whole: Estimate) -> str:
    """Return a remark where both ways gained more over the base than they differ from each other, else ""."""
    gained = min(whole.micro.mean, whole.one_shot.mean) - whole.base
    if gained <= abs(whole.difference.value):
        return ""
    return ": being trained at all moved the score more than the way of training did"
