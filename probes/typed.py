"""Exam items as people type them: without the final mark, in lower case, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from probes.base import Generation, How, Item, ItemResult, Model, ProgressCallback
from probes.scoring import judge_match, max_answer_tokens, score_items
from probes.statistics.intervals import Score
from probes.typing_habits import Habit, typed_wording


@dataclass(frozen=True, slots=True)
class TypedResult:
    """A model's result on an item as somebody types it.

    `text` is the greedy answer, whatever the item is scored by; `continued` is whether it first continues the prompt.
    `score` is that of the item itself: the answer's for `match`, for `choice` by the likelihoods after the typed
    prompt.
    """

    id: str
    habit: Habit
    prompt: str
    text: str
    continued: bool
    score: float
    how: How
    stop_reason: str
    ms: float

    @property
    def right(self) -> bool:
        """Whether the item counts as answered correctly."""
        return self.score >= 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TypedResult:
        """Read what `to_dict` wrote. Raises KeyError or ValueError."""
        return cls(
            id=str(data["id"]),
            habit=cast("Habit", data["habit"]),
            prompt=str(data["prompt"]),
            text=str(data["text"]),
            continued=bool(data["continued"]),
            score=float(data["score"]),
            how=cast("How", data["how"]),
            stop_reason=str(data["stop_reason"]),
            ms=float(data["ms"]),
        )


def as_typed_items(items: Sequence[Item]) -> list[tuple[Habit, Item]]:
    """Return each item's typing habit, given by its hash, and the item with its prompt typed that way."""
    typed = [(item, *typed_wording(item.prompt, item.id)) for item in items]
    return [(habit, replace(item, prompt=prompt)) for item, habit, prompt in typed]


def run_as_typed(
    model: Model, items: Sequence[Item], *, progress: ProgressCallback | None = None, label: str = "as typed"
) -> list[TypedResult]:
    """Run every item as typed, results in input order.

    Each is answered, and `choice` items are also scored by likelihood. `progress(done, total, label)` counts items.
    """
    typed = as_typed_items(items)
    by_likelihood = [item for _, item in typed if item.how == "choice"]
    done, total = 0, len(typed) + len(by_likelihood)

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done * len(typed) // total, len(typed), label)

    answers = model.generate(
        [item.asked for _, item in typed],
        max_tokens=[max_answer_tokens(item) for _, item in typed],
        on_done=lambda _index, _answer: step(),
    )
    chosen = score_items(model, by_likelihood, progress=lambda _done, _total, _label: step())
    scores = {result.id: result for result in chosen}
    return [
        _result(habit, item, answer, scores.get(item.id)) for (habit, item), answer in zip(typed, answers, strict=True)
    ]


def typed_score(results: Mapping[str, TypedResult], items: Sequence[Item]) -> Score | None:
    """Return the score on those of the items that were run as typed; None when none was."""
    asked = [results[id_] for id_ in dict.fromkeys(item.id for item in items) if id_ in results]
    return Score.of(sum(result.right for result in asked), len(asked)) if asked else None


def _result(habit: Habit, item: Item, answer: Generation, by_likelihood: ItemResult | None) -> TypedResult:
    score = by_likelihood.score if by_likelihood is not None else judge_match(item, answer).score
    return TypedResult(
        id=item.id,
        habit=habit,
        prompt=item.shown,
        text=answer.text,
        continued=answer.continued,
        score=score,
        how=item.how,
        stop_reason=answer.stop_reason,
        ms=answer.ms + (by_likelihood.ms if by_likelihood is not None else 0.0),
    )
