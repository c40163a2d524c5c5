"""The values that all probes share: items, results, and the `Model` that is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

How = Literal["match", "choice"]
StopReason = Literal["eos", "length", "stopped"]

Prompt = str | tuple[str, ...]
"""A raw prompt; a tuple holds the turns of a conversation, the newest last.

Turns are joined by line breaks, as a person who types leaves them, but tokenized one by one, since the conversations
that a model is trained on are. So the model sees the same ids whether it learns a conversation or is asked to go on
with it, whatever the tokenizer would merge across a line break.
"""

ProgressCallback = Callable[[int, int, str], None]
"""Called as `(done, total, part)`: whole items, answers or bytes, done so far and in all; may raise to stop."""


@dataclass(frozen=True, slots=True)
class Item:
    """One exam question: a raw prompt, its right answer, and how an answer is scored.

    `history` holds the turns before the prompt where it is one of a conversation, oldest first. `accept` holds other
    right answers (for `match`); `distractors` the wrong candidates (for `choice`); `gen` is the generation whose data
    the item comes from. Raises ValueError for an empty id or an unknown `how`.
    """

    id: str
    prompt: str
    expected: str
    how: How
    accept: tuple[str, ...] = ()
    distractors: tuple[str, ...] = ()
    stage: str = ""
    topic: str | None = None
    gen: int | None = None
    history: tuple[str, ...] = ()

    @property
    def asked(self) -> Prompt:
        """Return what the model is asked: the prompt, with the turns before it where there are any."""
        return (*self.history, self.prompt) if self.history else self.prompt

    @property
    def shown(self) -> str:
        """Return what the model is asked as one text."""
        return "\n".join((*self.history, self.prompt))

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError(f"exam item without an id (prompt {self.prompt[:60]!r}); give every item a stable id")
        if self.how not in ("match", "choice"):
            raise ValueError(f"exam item {self.id}: how={self.how!r} is unknown; use 'match' or 'choice'")

    def to_dict(self) -> dict[str, Any]:
        """Return the item as plain JSON values; `history` is there only where it is not empty."""
        plain: dict[str, Any] = {
            "id": self.id,
            "prompt": self.prompt,
            "expected": self.expected,
            "how": self.how,
            "accept": list(self.accept),
            "distractors": list(self.distractors),
            "stage": self.stage,
            "topic": self.topic,
            "gen": self.gen,
        }
        return plain | ({"history": list(self.history)} if self.history else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Item:
        """Read what `to_dict` wrote; optional keys may be missing. Raises KeyError or ValueError."""
        topic, gen = data.get("topic"), data.get("gen")
        return cls(
            id=str(data["id"]),
            prompt=str(data["prompt"]),
            expected=str(data["expected"]),
            how=cast("How", data["how"]),
            accept=tuple(str(text) for text in data.get("accept", ())),
            distractors=tuple(str(text) for text in data.get("distractors", ())),
            stage=str(data.get("stage", "")),
            topic=None if topic is None else str(topic),
            gen=None if gen is None else int(gen),
            history=tuple(str(text) for text in data.get("history", ())),
        )


def _no_detail() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class ItemResult:
    """A model's result on one item.

    `score` is 1.0 (right) or 0.0; `ms` is the model's time for this item in milliseconds. For `choice`, `output` is the
    preferred candidate and `detail` holds `logprobs` (candidate → mean log-probability per token, null when it was not
    a number) and `chosen` (0 is the true answer).
    """

    id: str
    prompt: str
    output: str
    expected: str
    score: float
    how: How
    ms: float
    stop_reason: str = ""
    detail: dict[str, Any] = field(default_factory=_no_detail)

    @property
    def right(self) -> bool:
        """Whether the item counts as answered correctly."""
        return self.score >= 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {
            "id": self.id,
            "prompt": self.prompt,
            "output": self.output,
            "expected": self.expected,
            "score": self.score,
            "how": self.how,
            "ms": self.ms,
            "stop_reason": self.stop_reason,
            "detail": self.detail,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ItemResult:
        """Read what `to_dict` wrote. Raises KeyError or ValueError."""
        return cls(
            id=str(data["id"]),
            prompt=str(data["prompt"]),
            output=str(data["output"]),
            expected=str(data["expected"]),
            score=float(data["score"]),
            how=cast("How", data["how"]),
            ms=float(data["ms"]),
            stop_reason=str(data.get("stop_reason", "")),
            detail=dict(data.get("detail", {})),
        )


def by_id(results: Iterable[ItemResult]) -> dict[str, ItemResult]:
    """Index results by item id; a later result for the same id replaces an earlier one."""
    return {result.id: result for result in results}


def result_of(results_by_id: Mapping[str, ItemResult], item: Item) -> ItemResult:
    """Return the result of one item; raises ValueError when it was never scored, since a gap must not raise a score."""
    try:
        return results_by_id[item.id]
    except KeyError:
        raise ValueError(f"no result for item {item.id} ({item.prompt[:60]!r}); score every item of the set") from None


@dataclass(frozen=True, slots=True)
class Generation:
    """One generated answer: its text without surrounding white space, token count, stop reason, and milliseconds.

    `continued` is whether it does not open with a line break: the model first continues what the person typed.
    """

    text: str
    tokens: int
    stop_reason: StopReason
    ms: float
    continued: bool = False


@dataclass(frozen=True, slots=True)
class LogLikelihood:
    """Log-likelihood of an answer given a prompt: the sum in nats over its `tokens`, and milliseconds."""

    total: float
    tokens: int
    ms: float


class Model(Protocol):
    """The model that is evaluated: anything that can continue raw prompts and score given answers.

    `on_done(index, value)` is called once an input is finished, in any order; results come back in input order.
    """

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: Sequence[int] | int,
        temperature: float = 0.0,
        seeds: Sequence[int] | None = None,
        on_done: Callable[[int, Generation], None] | None = None,
    ) -> list[Generation]:
        """Continue every raw prompt; temperature 0 is greedy, `seeds` gives one seed a prompt."""
        ...

    def loglikelihood(
        self,
        pairs: Sequence[tuple[Prompt, str]],
        *,
        on_done: Callable[[int, LogLikelihood], None] | None = None,
    ) -> list[LogLikelihood]:
        """Return the log-likelihood of every (prompt, plain answer text); the model puts the newline between them."""
        ...
