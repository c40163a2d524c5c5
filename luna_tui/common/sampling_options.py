"""How answers are sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """Greedy at temperature 0; `max_tokens` is the longest answer, `top_p` the nucleus of the samples."""

    temperature: float = 0.0
    max_tokens: int = 128
    seed: int = 0
    top_p: float = 1.0

    def as_mapping(self) -> dict[str, Any]:
        """Return what a screen tells of them, by name."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}
