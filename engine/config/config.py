"""The whole of `luna.toml` as one value; its tables are defined in engine.config.schema."""

from __future__ import annotations

from engine.config.curriculum import CurriculumSection
from engine.config.recipe import Phase, PhaseRecipe
from engine.config.schema import (
    AgeUpSection,
    EvalSection,
    ExportSection,
    LadderSection,
    ModelSection,
    ReplaySection,
    RescueSection,
    StopRuleSection,
    TrainSection,
    VoiceSection,
)
from engine.config.section import Section

CONFIG_NAME = "luna.toml"


class Config(Section):
    """The validated content of `luna.toml`; `Config()` is the default recipe."""

    model: ModelSection = ModelSection()
    curriculum: CurriculumSection = CurriculumSection()
    replay: ReplaySection = ReplaySection()
    train: TrainSection = TrainSection()
    export: ExportSection = ExportSection()
    eval: EvalSection = EvalSection()
    rescue: RescueSection = RescueSection()
    voice: VoiceSection = VoiceSection()
    stop_rule: StopRuleSection = StopRuleSection()
    age_up: AgeUpSection = AgeUpSection()
    ladder: LadderSection = LadderSection()

    def recipe(self, phase: Phase) -> PhaseRecipe:
        """Return the recipe of a phase: `[train]` with the phase's own table laid over it."""
        train = self.train
        own = {"base": train.base, "align": train.align, "converse": train.converse}[phase]
        names = tuple(name.strip() for name in train.targets.split(",") if name.strip())
        return PhaseRecipe(
            phase=phase,
            backend=train.backend,
            method=own.method or train.method,
            steps=own.steps,
            lr=own.lr,
            blend=own.blend,
            batch_size=train.batch_size,
            accumulation=train.accumulation,
            rank=train.rank,
            alpha=train.alpha,
            targets=train.targets if names == ("all-linear",) else names,
            seed=train.seed,
            threads=train.threads,
            warmup_ratio=train.warmup_ratio,
            schedule=train.schedule,
            weight_decay=train.weight_decay,
            max_grad_norm=train.max_grad_norm,
            precision=train.precision,
            checkpoint_every=train.checkpoint_every,
            context=self.model.context,
            as_typed=train.as_typed,
            prompts_count=phase == "base" and train.base.prompts_count,
        )
