"""Evaluate every trained arm, and the base, on the lineage's exams, the tone probes and the challenge cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.cancellation import Control
from engine.evaluation.challenge_cards import ask_model, cards_if_any
from engine.evaluation.model_ref import ModelRef, generation_ref, resolve_model
from engine.evaluation.result_cache import ProgressCallback, ResultCache
from engine.evaluation.style_eval import tone_of
from engine.experiments.study.arms import Arm
from engine.experiments.study.training_specs import TrainingSpec
from engine.workspace.layout import Workspace
from probes.challenge import score_cards
from probes.statistics.intervals import Score


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's results: item id → score on each generation's exam, tone, and the cards where there are any.

    `other_probes` is whether its tone was measured with other probes than the lineage's and cannot be measured again.
    """

    label: str
    sha: str
    exams: Mapping[int, Mapping[str, float]]
    drift: Score
    answered: Score
    cards: Score | None
    other_probes: bool = False

    @property
    def items(self) -> dict[str, float]:
        """The scores of all exams in one mapping, by item id."""
        return {item: score for exam in self.exams.values() for item, score in exam.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON values, the items' as 0 or 1 by id."""
        return {
            "label": self.label,
            "sha": self.sha,
            "exams": {
                str(gen): {
                    **Score.of(sum(items.values()), len(items)).to_dict(),
                    "items": {item: int(score) for item, score in items.items()},
                }
                for gen, items in self.exams.items()
            },
            "all": Score.of(sum(self.items.values()), len(self.items)).to_dict(),
            "drift": self.drift.to_dict(),
            "answered": self.answered.to_dict(),
            "other_probes": self.other_probes,
            "cards": self.cards.to_dict() if self.cards is not None else None,
        }


def evaluate_arm(arm: Arm, lessons: Sequence[TrainingSpec], *, progress: ProgressCallback, control: Control) -> Answers:
    """Evaluate an arm's last generation; results that are cached already are reused."""
    lineage = arm.workspace.lineage()
    gen = lessons[-1].gen if arm.own else max(node.row.gen_id for node in lineage.nodes())
    return _evaluate(arm, generation_ref(lineage, gen), arm.name, lessons, progress, control)


def evaluate_base(
    workspace: Workspace, own: Arm, lessons: Sequence[TrainingSpec], *, progress: ProgressCallback, control: Control
) -> Answers:
    """Evaluate the base model on the same exams, probes and cards as the arms."""
    base = resolve_model(workspace, own.config, workspace.lineage(), "base")
    return _evaluate(own, base, "base", lessons, progress, control)


def _evaluate(
    arm: Arm, model: ModelRef, label: str, lessons: Sequence[TrainingSpec], progress: ProgressCallback, control: Control
) -> Answers:
    def tell(done: int, total: int, what: str) -> None:
        progress(done, total, what.replace(f"{model.label}:", f"{label}:", 1))

    cards = cards_if_any(arm.workspace, arm.config)
    with ResultCache(arm.workspace, arm.config, progress=tell, control=control) as sittings:
        exams = {
            lesson.gen: {
                result.id: float(result.right)
                for result in sittings.results(model, lesson.exam, f"the exam of G{lesson.gen}")
            }
            for lesson in lessons
        }
        tone = tone_of(sittings, model, lessons[-1].tone)
        solved = None
        if cards is not None:
            solved = score_cards(ask_model(sittings, model, cards.cards).results)[0]
    style = tone.style
    return Answers(label, model.sha, exams, style.drift, style.answered, solved, other_probes=bool(tone.why_other))
