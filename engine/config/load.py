"""`luna.toml`: every key, its default and what it may be; flags win over `LUNA_*` variables, which win over the file.

A variable's name is the key in capitals with two underscores for each dot: `[train] batch_size` is
`LUNA_TRAIN__BATCH_SIZE`, `[train.base] steps` is `LUNA_TRAIN__BASE__STEPS`. Lists are written `a,b,c`. An empty
variable counts as not set, and variables without a double underscore are none of ours. The tables are in
engine.config.schema.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.config.recipe import Phase, PhaseRecipe
from engine.config.schema import (
    PER_PHASE,
    AgeUpSection,
    CurriculumSection,
    EvalSection,
    ExportSection,
    LadderSection,
    ModelSection,
    Quant,
    ReplaySection,
    RescueSection,
    Section,
    StopRuleSection,
    TrainSection,
    VoiceSection,
)

__all__ = [
    "CONFIG_NAME",
    "PER_PHASE",
    "AgeUpSection",
    "Config",
    "CurriculumSection",
    "EvalSection",
    "ExportSection",
    "LadderSection",
    "ModelSection",
    "Quant",
    "ReplaySection",
    "RescueSection",
    "StopRuleSection",
    "TrainSection",
    "VoiceSection",
    "load_config",
]

CONFIG_NAME = "luna.toml"


class Config(Section):
    """All of `luna.toml`; `Config()` is the default recipe."""

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
        """Return the flat recipe of a phase."""
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


def load_config(
    workspace: Path, overrides: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> Config:
    """Read `workspace/luna.toml`, lay `LUNA_*` variables, then flags over it, and check every value.

    `overrides` maps dotted keys (`train.steps`) to values from flags; None means the flag was not given. Raises
    UsageError that names the place (file and line, variable, flag), the key, the value and what is allowed, all wrong
    values in one message.
    """
    from engine.config.sources import env_layer, file_layer, flag_layer, merge

    layers = [
        file_layer(workspace / CONFIG_NAME),
        env_layer(os.environ if env is None else env),
        flag_layer(overrides or {}),
    ]
    return merge(layers)
