"""The training recipe of one phase, as it is passed to a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Phase = Literal["base", "align", "converse"]
Method = Literal["lora", "full"]
Schedule = Literal["cosine", "linear", "constant"]
Precision = Literal["auto", "bf16", "fp32"]

Backend = Literal["auto", "unsloth", "trl"]

BACKENDS: tuple[Backend, ...] = get_args(Backend)
PHASES: tuple[Phase, ...] = ("base", "align", "converse")


@dataclass(frozen=True, slots=True)
class PhaseRecipe:
    """Everything a backend needs to train one phase: `[train]` with the phase's own table laid over it.

    `blend` interpolates weights between parent (0) and trained child (1), as WiSE-FT does (Wortsman et al. 2022,
    arXiv:2109.01903, eq. 1). `as_typed` is the share of the passes in which a question is reworded the way people type
    it; `prompts_count` says whether the prompts of questions count in the loss.
    """

    phase: Phase
    backend: str
    method: Method
    steps: int
    lr: float
    blend: float
    batch_size: int
    accumulation: int
    rank: int
    alpha: float
    targets: str | tuple[str, ...]
    seed: int
    threads: int
    warmup_ratio: float
    schedule: Schedule
    weight_decay: float
    max_grad_norm: float
    precision: Precision
    checkpoint_every: int
    context: int
    as_typed: float
    prompts_count: bool

    @property
    def rows_fed(self) -> int:
        """Return how many rows the whole training feeds: steps × batch size × accumulation."""
        return self.steps * self.batch_size * self.accumulation

    @staticmethod
    def complete(recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Return a recorded recipe with the values that older records, which lack some keys, imply."""
        return {"as_typed": 0.0, "prompts_count": recorded.get("phase") == "base", **recorded}

    def to_dict(self) -> dict[str, object]:
        """Return the recipe as plain values for the manifest."""
        plain = asdict(self)
        plain["targets"] = self.targets if isinstance(self.targets, str) else list(self.targets)
        return plain
