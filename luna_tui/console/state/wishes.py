"""What a person asks for: a training, an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class TrainWish:
    """What the training form asks for; None means luna.toml's value, an empty `run` the only unfinished one."""

    generations: int = 1
    phase: str = "auto"
    parent: str | None = None
    steps: int | None = None
    data: tuple[Path, ...] = ()
    backend: str | None = None
    seed: int | None = None
    strict: bool = False
    resume: bool = False
    run: str = ""
    inbox_first: bool = False


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How an answer is drawn: greedy at temperature 0."""

    temperature: float = 0.0
    max_tokens: int = 128
    seed: int = 0

    def as_mapping(self) -> dict[str, Any]:
        """The options by name."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}
