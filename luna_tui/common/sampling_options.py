"""The options for sampling answers from a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """The sampling options; temperature 0 is greedy, `max_tokens` the longest answer, `top_p` the nucleus sampling
    threshold.
    """

    temperature: float = 0.0
    max_tokens: int = 128
    seed: int = 0
    top_p: float = 1.0

    def as_mapping(self) -> dict[str, Any]:
        """Return the options that a screen shows, by name."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}
