"""What every trained arm, and the base, answers: the lineage's exams, the tone probes, the challenge cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.control import Control
from engine.examinee import Examinee, examinee_of, generation_examinee
from engine.sitting import Progress, Sittings
from engine.steps.examine import phrases, read_examination, style_options, tone_probes
from engine.study.arms import Arm
from engine.study.lessons import Lesson
from engine.workspace import Workspace
from ledger.hashing import canonical_json, sha256_text
from probes.statistics import Score
from probes.style import run_style


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's results: item id → score on each generation's exam, tone, and the cards where there are any."""

    label: str
    sha: str
    exams: Mapping[int, Mapping[str, float]]
    drift: Score
    answered: Score
    cards: Score | None

    @property
    def items(self) -> dict[str, float]:
        """All items of all exams."""
        return {item: score for exam in self.exams.values() for item, score in exam.items()}

    def to_dict(self) -> dict[str, Any]:
        """Scores as plain JSON values, the items' as 0 or 1 by id."""
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
            "cards": self.cards.to_dict() if self.cards is not None else None,
        }


def ask_arm(arm: Arm, lessons: Sequence[Lesson], *, progress: Progress, control: Control) -> Answers:
    """Ask an arm's last generation; answers that are known already are not asked again."""
    lineage = arm.workspace.lineage()
    gen = lessons[-1].gen if arm.own else max(node.row.gen_id for node in lineage.nodes())
    return _ask(arm, generation_examinee(lineage, gen), arm.name, lessons, progress, control)


def ask_base(
    workspace: Workspace, own: Arm, lessons: Sequence[Lesson], *, progress: Progress, control: Control
) -> Answers:
    """Ask the base model the same."""
    base = examinee_of(workspace, own.config, workspace.lineage(), "base")
    return _ask(own, base, "base", lessons, progress, control)


def _ask(
    arm: Arm, model: Examinee, label: str, lessons: Sequence[Lesson], progress: Progress, control: Control
) -> Answers:
    def tell(done: int, total: int, what: str) -> None:
        progress(done, total, what.replace(f"{model.label}:", f"{label}:", 1))

    with Sittings(arm.workspace, arm.config, progress=tell, control=control) as sittings:
        exams = {
            lesson.gen: {
                result.id: float(result.right)
                for result in sittings.results(model, lesson.exam, f"the exam of G{lesson.gen}")
            }
            for lesson in lessons
        }
        drift, answered = _tone(sittings, model)
    return Answers(label, model.sha, exams, drift, answered, None)


def _tone(sittings: Sittings, model: Examinee) -> tuple[Score, Score]:
    """Drift and the share answered: as recorded when a generation was judged, else asked the same way now."""
    workspace, config = sittings.workspace, sittings.config
    if model.gen is not None:
        recorded = read_examination(workspace.generation(model.gen))
        return recorded.drift, recorded.answered
    probes, found = tone_probes(workspace, config), phrases(workspace, config)
    options = style_options(config)
    asked = [[probe.to_dict() for probe in probes], options.to_dict(), [phrase.pattern for phrase in found]]
    name = f"tone-{sha256_text(canonical_json(asked))}"
    kept = sittings.kept(model, name)
    if kept is None:
        with sittings.loaded(model) as runtime:
            style = run_style(runtime, probes, found, **asdict(options), progress=sittings.progress)
        kept = {"drift": style.drift.to_dict(), "answered": style.answered.to_dict()}
        sittings.keep(model, name, kept)
    return Score.from_dict(kept["drift"]), Score.from_dict(kept["answered"])
