"""The tables of `luna.toml`: each key with its default, its allowed values and its description.

The description is also the key's comment in the file that `init` writes, as a table's docstring is the table's.
"""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field, model_validator

from engine.config.recipe import PHASES, Backend, Method, Precision, Schedule
from engine.config.section import Count, CountOrNone, Name, Names, Rate, Section, Share

Quant = Literal["q8_0", "f16", "bf16", "q4_k_m", "q4_0"]
PER_PHASE = ("steps", "lr", "method")


class ModelSection(Section):
    """The base model every lineage starts from."""

    base: Name = "smollm2-135m"
    """A packaged model, the path of a GGUF file or of a Hugging Face directory, or a hub id (`org/name`)."""
    ladder: Names = ("smollm2-135m",)
    """Bases from small to big for `luna-tui ladder`: a bigger one is tried only if the smaller one is not enough."""
    context: Annotated[int, Field(ge=16)] = 512
    """Longest training example, in tokens of prompt and answer together."""
    chat_context: Annotated[int, Field(ge=16)] = 2048
    """Window of `chat`, in tokens."""


class ReplaySection(Section):
    """Earlier training rows mixed into each generation, so that old knowledge stays."""

    rows: CountOrNone = 100
    """How many replayed rows (0 switches replay off)."""
    scope: Literal["lineage", "parent"] = "lineage"
    """`lineage`: equal shares from every ancestor; `parent`: from the parent only, which slowly forgets the oldest."""


class PhaseSection(Section):
    """The settings that each phase has of its own; `steps`, `lr` and `method` overrule those of [train]."""

    steps: Count
    """Optimiser steps."""
    lr: Rate
    """Peak learning rate."""
    method: Method | None = None
    """`lora` or `full` for this phase only; left out, the method of [train] counts."""
    blend: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the trained change that is kept, child = parent + blend × change: below 1, the old stays better."""


class BaseSection(PhaseSection):
    """G0 learns the knowledge stages: of documents every token counts, of questions the answer."""

    steps: Count = 500
    """Optimiser steps."""
    lr: Rate = 2e-4
    """Peak learning rate."""

    prompts_count: bool = False
    """Whether questions count in the loss; a model then learns to finish what a person typed before it answers."""


class AlignSection(PhaseSection):
    """G1 learns the tone from behaviour examples, prompts masked."""

    steps: Count = 300
    """Optimiser steps."""
    lr: Rate = 2e-4
    """Peak learning rate."""


class ConverseSection(PhaseSection):
    """G2 and later learn from new conversations, prompts masked."""

    steps: Count = 350
    """Optimiser steps."""
    lr: Rate = 2e-4
    """Peak learning rate."""


class TrainSection(Section):
    """The recipe. Steps are a budget: too few to feed every row once is an error, not a shorter curriculum."""

    backend: Backend = "auto"
    """`auto` takes Unsloth where it imports and a GPU is there, else TRL."""
    method: Method = "lora"
    """`lora` trains a small adapter, `full` every weight."""
    steps: Count | None = None
    """Steps of every phase, unless the phase's own table (in the file too, or set the same way) has steps."""
    lr: Rate | None = None
    """Learning rate of every phase, in the same way."""
    batch_size: Count = 16
    """Rows in one forward pass."""
    accumulation: Count = 1
    """Forward passes in one step: rows fed = steps × batch_size × accumulation."""
    rank: Count = 32
    """Rank of the LoRA matrices."""
    alpha: Annotated[float, Field(gt=0)] = 64.0
    """LoRA scale: the delta counts alpha / rank times."""
    targets: Name = "all-linear"
    """Layers that get an adapter: `all-linear`, or module names with commas between, such as `q_proj,v_proj`."""
    seed: CountOrNone = 0
    """Same seed, data, packages, threads and kind of processor: same weights, bit for bit."""
    threads: CountOrNone = 0
    """CPU threads of training (0: as many as suit the machine). Recorded: another number gives other last bits."""
    as_typed: Share = 0.5
    """Share of times a question is fed the way people type: without its final mark, in lower case, or both."""
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the steps in which the learning rate climbs to its peak."""
    schedule: Schedule = "cosine"
    """How it falls afterwards: `cosine`, `linear`, or `constant` (not at all)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay of AdamW."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients longer than this are shortened to it."""
    precision: Precision = "auto"
    """Numbers to compute in; `auto` takes bf16 where the machine is fast at it."""
    checkpoint_every: Count = 50
    """Steps between checkpoints, which `--resume` starts from."""
    base: BaseSection = BaseSection()
    align: AlignSection = AlignSection()
    converse: ConverseSection = ConverseSection()

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, given: object) -> object:
        """Copy `steps` and `lr` to every phase whose own table does not set them."""
        if not isinstance(given, dict):
            return given
        spread = dict(cast("dict[str, object]", given))
        for phase in PHASES:
            own = spread.get(phase, {})
            if isinstance(own, dict):
                shared = {key: spread[key] for key in ("steps", "lr") if spread.get(key) is not None}
                spread[phase] = shared | own
        return spread


class ExportSection(Section):
    """The GGUF that is examined, talked to and recorded."""

    quant: Quant = "q8_0"
    """Number format of the GGUF's big tensors."""


class EvalSection(Section):
    """The exams after every generation, and the gate: a generation that misses a target is rejected."""

    recall_target: Share = 0.90
    """Recall on the parent's QA set must be above this."""
    recall_scope: Literal["parent", "ancestors"] = "parent"
    """`ancestors`: of what each ancestor scored on its own exam, a share above recall_target must still stand, too."""
    generalization_target: Share = 0.85
    """Accuracy on the generation's own holdout must be above this."""
    drift_target: Share = 0.20
    """Style drift, the share of tone answers with a corporate phrase, must be below this."""
    answered_target: Share = 0.90
    """Share of tone probes answered at all must be at least this: silence is no style."""
    continued_target: Share = 0.05
    """Share of answers that first go on with the prompt must be at most this, asked as people type, too."""
    qa_trained_rows: CountOrNone = 100
    """Trained rows that join the holdout in a generation's QA set."""
    tone_probes: str = ""
    """JSONL file of your own tone probes (`id`, `prompt`), relative to the workspace; empty: the ten built in."""
    phrases: str = ""
    """Text file of more corporate phrases, a pattern a line, relative to the workspace; empty: the list built in."""
    tone_samples: CountOrNone = 4
    """Seeded samples of each tone probe beside the greedy answer."""
    tone_temperature: Annotated[float, Field(gt=0, le=5)] = 0.7
    """Temperature of these samples."""
    tone_max_tokens: Count = 48
    """Longest tone answer, in tokens."""
    max_seconds: Count = 300
    """Time limit of each of the three evals, in seconds."""
    parallel: Count = 16
    """Prompts the runtime answers side by side."""

    @property
    def targets(self) -> dict[str, float]:
        """Return the gate's targets, keyed by the name of their score."""
        names = ("recall", "generalization", "drift", "answered", "continued")
        return {name: getattr(self, f"{name}_target") for name in names}


class RescueSection(Section):
    """Before a generation that missed a target is rejected: a try with less of what it learned (opt-in)."""

    enabled: bool = False
    """Whether α·child + (1−α)·parent is tried, chosen on the development rows, confirmed once on the exams."""
    alphas: Annotated[tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(strict=False, min_length=1)] = (
        0.75,
        0.5,
        0.25,
    )
    """Shares of the trained change that are tried."""
    development: Annotated[float, Field(gt=0, le=0.5)] = 0.10
    """Share of the new training rows kept for choosing α, in neither training nor exam; only where rescue is on."""


class LadderSection(Section):
    """`luna-tui ladder`: which size is enough, told by challenge cards."""

    cards: Name = "challenge_cards.jsonl"
    """JSONL file of challenge cards (`id`, `kind`, `prompt`, and `expected`, `accept` or `pattern`), relative to the
    workspace."""
    target: Share = 0.80
    """A rung that solves this share of the cards is enough; no bigger one is tried."""
    generations: Count = 4
    """How many generations of the curriculum each rung goes through before it is asked."""


class VoiceSection(Section):
    """Pinned prompts: what the model in training answers is shown as it changes. The weights do not depend on it."""

    while_training: bool = True
    """Whether the model is asked while it trains."""
    prompts: Names = ("Can you help me?", "Who are you?", "It failed again.")
    """What it is asked: raw prompts, as in chat."""
    every_steps: Count = 10
    """Ask after so many steps, when the budget has room again."""
    budget: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """Share of the training time that asking may take."""
    max_tokens: Count = 24
    """Longest answer, in tokens."""


class StopRuleSection(Section):
    """When the lineage no longer gets better: stop, go back, mend the data, do not scale the model."""

    enabled: bool = True
    """Whether the rule may stop a lineage."""
    epsilon: Share = 0.05
    """Stop if generalization rose by less than this in both of the last two generations …"""
    theta: Share = 0.10
    """… and style drift rose by more than this in either of them."""


class AgeUpSection(Section):
    """When the inbox has earned a generation: `luna-tui watch` and the console start it by themselves."""

    karma: Annotated[float, Field(gt=0)] = 60.0
    """Karma since the last generation that the first one made this way costs: +1 for an answer rated good, +2 for a
    corrected one."""
    growth: Literal["constant", "linear", "geometric"] = "linear"
    """How the price rises with age, the number of `converse` generations on the way to HEAD: not at all, by `rate` of
    `karma` each time, or by `rate` of the last price."""
    rate: Annotated[float, Field(ge=0, le=10)] = 0.1
    """How much it rises for each."""
    import_karma: Annotated[float, Field(ge=0)] = 0.5
    """Karma of a row of the inbox that nobody has rated."""
    in_console: bool = True
    """Whether an open console starts it too; `watch` always does."""
    quiet_hours: Annotated[str, Field(pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] = ""
    """Local time in which nothing is started, such as `22:00-07:00`; empty: at any time."""
