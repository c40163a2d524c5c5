"""The scores of a generation with their targets, as values: one form for the engine's events and for `eval`."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

_NAMES = (
    ("recall", "recall", ">"),
    ("retention", "  retention", ""),
    ("typed_recall", "  recall as typed", ""),
    ("generalization", "generalization", ">"),
    ("typed_generalization", "  as typed", ""),
    ("drift", "style drift", "<"),
    ("answered", "  answered", ">="),
    ("continued", "  continued", "<="),
)
_TELLING = 0.005  # a smaller gap is 0.00 in two decimals


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One score: a share of `n` cases with its 95 % interval, its target, and the sign of the required comparison.

    `passed` is None for a score that has no target.
    """

    name: str
    label: str
    value: float
    n: int
    low: float
    high: float
    target: float | None
    sign: str
    passed: bool | None

    @property
    def count(self) -> int:
        """How many of the `n` cases the share stands for."""
        return round(self.value * self.n)

    @property
    def shortfall(self) -> str:
        """Return by how much a target was missed: `0.30`, or the number of missing cases, `1 of 20`, where that is more
        exact.
        """
        gap = abs(self.value - (self.target or 0.0))
        if gap >= _TELLING or not self.n or self.target is None:
            return f"{gap:.2f}" if gap >= _TELLING else f"{gap:.4f}"
        enough = [count for count in range(self.n + 1) if _meets(count / self.n, self.sign, self.target)]
        wanting = min((abs(count - self.count) for count in enough), default=0)
        return f"{wanting} of {self.n}" if wanting else f"{gap:.4f}"


@dataclass(frozen=True, slots=True)
class AncestorExam:
    """The score on an ancestor's exam now, and what that ancestor itself scored when it was new."""

    gen: int
    value: float
    n: int
    was: float | None


def score_lines(scores: Mapping[str, Any], targets: Mapping[str, float]) -> list[ScoreLine]:
    """Return the scores that are present, in reading order; `scores` maps names to `{value, n, low, high}`."""
    found: list[ScoreLine] = []
    # Plain documents train only continuation: where no question was trained on, the gate has no target for questions
    # either.
    asked_as_typed = scores.get("typed_recall") or scores.get("typed_generalization")
    for name, label, sign in _NAMES:
        score = scores.get(name)
        if not isinstance(score, Mapping) or score.get("value") is None:
            continue
        values = cast("Mapping[str, Any]", score)
        value, target = float(values["value"]), targets.get(name)
        if name == "continued" and not asked_as_typed:
            target = None
        passed = None if target is None or not sign else _meets(value, sign, target)
        low, high = float(values.get("low", 0.0)), float(values.get("high", 1.0))
        found.append(ScoreLine(name, label, value, int(values.get("n", 0)), low, high, target, sign, passed))
    return found


def ancestor_exams(by_ancestor: object, was: Mapping[int, float | None]) -> list[AncestorExam]:
    """Return the ancestors' exams, oldest first, from a list of `{gen, value, n}` or a mapping of GEN_ID to score."""
    return sorted(
        (AncestorExam(gen, float(s["value"]), int(s.get("n", 0)), was.get(gen)) for gen, s in _pairs(by_ancestor)),
        key=lambda exam: exam.gen,
    )


def _pairs(by_ancestor: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(by_ancestor, Mapping):
        for gen, score in cast("Mapping[Any, Mapping[str, Any]]", by_ancestor).items():
            yield int(str(gen).removeprefix("G")), score
    elif isinstance(by_ancestor, list):
        for score in cast("list[Mapping[str, Any]]", by_ancestor):
            yield int(str(score["gen"]).removeprefix("G")), score


def _meets(value: float, sign: str, target: float) -> bool:
    compare = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}[sign]
    return bool(compare(value, target))
