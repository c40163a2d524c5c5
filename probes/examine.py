"""One whole evaluation of one model: every item set and the tone probes, each distinct item scored once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes import forgetting
from probes.base import Item, ItemResult, Model, ProgressCallback, by_id
from probes.generalization import generalization
from probes.recall import recall
from probes.scoring import score_items
from probes.statistics.intervals import Score
from probes.style import Phrase, StyleOptions, ToneAnswer, ToneProbe, run_style
from probes.typed import TypedResult, run_as_typed, typed_score

# The parts of an evaluation in the order they run; the keys of `Examination.seconds`.
PARTS = ("generalization", "recall", "ancestors", "own_qa", "as_typed", "style")


@dataclass(frozen=True, slots=True)
class Examination:
    """All scores of one generation with the evidence for them.

    `by_ancestor` maps GEN_ID → score on that ancestor's exam. `own_qa` is the score on the generation's own QA set, run
    so that its child's retention can be computed; None when it was not run. `lost` are the ids of the parent's right
    answers that are now wrong, `gained` the other way round. `seconds` is wall time by part; an item of several sets
    counts for the first.

    `continued` is the share of answers, to tone probes and to items as people type them, that first continue the
    prompt; `typed_generalization` and `typed_recall` are the scores on those items. All three are None in a record from
    before they existed, and where there was nothing to run.
    """

    recall: Score
    retention: Score | None
    generalization: Score
    drift: Score
    answered: Score
    by_ancestor: dict[int, Score]
    own_qa: Score | None
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    results: tuple[ItemResult, ...]
    tone_answers: tuple[ToneAnswer, ...]
    seconds: dict[str, float]
    continued: Score | None = None
    typed_generalization: Score | None = None
    typed_recall: Score | None = None
    typed_results: tuple[TypedResult, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return the scores alone as plain JSON values, without items and answers."""
        return {
            "recall": self.recall.to_dict(),
            "retention": _optional(self.retention),
            "generalization": self.generalization.to_dict(),
            "drift": self.drift.to_dict(),
            "answered": self.answered.to_dict(),
            "continued": _optional(self.continued),
            "typed_generalization": _optional(self.typed_generalization),
            "typed_recall": _optional(self.typed_recall),
            "by_ancestor": {str(gen): score.to_dict() for gen, score in self.by_ancestor.items()},
            "own_qa": _optional(self.own_qa),
            "lost": list(self.lost),
            "gained": list(self.gained),
            "seconds": dict(self.seconds),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values: the summary, `results`, `typed_results` and `tone_answers`."""
        return {
            **self.summary(),
            "results": [result.to_dict() for result in self.results],
            "typed_results": [result.to_dict() for result in self.typed_results],
            "tone_answers": [answer.to_dict() for answer in self.tone_answers],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Examination:
        """Read what `to_dict` wrote. Raises ValueError saying what is missing or malformed."""
        try:
            return cls(
                recall=Score.from_dict(data["recall"]),
                retention=_read_optional(data["retention"]),
                generalization=Score.from_dict(data["generalization"]),
                drift=Score.from_dict(data["drift"]),
                answered=Score.from_dict(data["answered"]),
                by_ancestor={int(gen): Score.from_dict(score) for gen, score in data["by_ancestor"].items()},
                own_qa=_read_optional(data["own_qa"]),
                lost=tuple(str(id_) for id_ in data["lost"]),
                gained=tuple(str(id_) for id_ in data["gained"]),
                results=tuple(ItemResult.from_dict(result) for result in data["results"]),
                tone_answers=tuple(ToneAnswer.from_dict(answer) for answer in data["tone_answers"]),
                seconds={str(part): float(seconds) for part, seconds in data["seconds"].items()},
                continued=_read_optional(data.get("continued")),
                typed_generalization=_read_optional(data.get("typed_generalization")),
                typed_recall=_read_optional(data.get("typed_recall")),
                typed_results=tuple(TypedResult.from_dict(result) for result in data.get("typed_results", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"not a stored examination ({what}); run the evaluation again") from error


def examine(
    model: Model,
    *,
    parent_qa: Sequence[Item],
    exam: Sequence[Item],
    ancestor_exams: Mapping[int, Sequence[Item]],
    tone_probes: Sequence[ToneProbe],
    phrases: Sequence[Phrase],
    parent_results: Mapping[str, ItemResult] | None = None,
    style_options: StyleOptions | None = None,
    progress: ProgressCallback | None = None,
    own_qa: Sequence[Item] = (),
    as_typed: Sequence[Item] = (),
    clock: Callable[[], float] = time.perf_counter,
) -> Examination:
    """Score the distinct items of all sets once and probe the tone; the verdict is left to the gate.

    An empty `parent_qa` (G0) gives recall 1.0 with n=0. The items of `as_typed` are run once more, as people type them.
    Where sets hold the same id, the first definition counts, in the order of `PARTS` and ancestors by GEN_ID.
    `progress(done, total, label)` counts items and answers over all parts. Raises ValueError when one id stands for two
    different questions, or without tone probes.
    """
    if not tone_probes:  # fail now, not after minutes of exams
        raise ValueError("an examination needs at least one tone probe, else style drift is unknown")
    options = style_options or StyleOptions()
    from_ancestors = [item for gen in sorted(ancestor_exams) for item in ancestor_exams[gen]]
    parts = _distinct({"generalization": exam, "recall": parent_qa, "ancestors": from_ancestors, "own_qa": own_qa})
    typed_items = list({item.id: item for item in as_typed}.values())
    total = sum(map(len, parts.values())) + len(typed_items) + len(tone_probes) * (1 + options.samples)
    done_before = 0

    def report(done: int, _total: int, label: str) -> None:
        if progress is not None:
            progress(done_before + done, total, label)

    results: list[ItemResult] = []
    seconds: dict[str, float] = {}
    for part, items in parts.items():
        started = clock()
        results += score_items(model, items, progress=report, label=part)
        seconds[part] = clock() - started
        done_before += len(items)

    started = clock()
    typed = run_as_typed(model, typed_items, progress=report, label="as typed") if typed_items else []
    seconds["as_typed"] = clock() - started
    done_before += len(typed_items)

    started = clock()
    style = run_style(
        model,
        tone_probes,
        phrases,
        samples=options.samples,
        temperature=options.temperature,
        seed=options.seed,
        max_tokens=options.max_tokens,
        progress=report,
    )
    seconds["style"] = clock() - started

    results_by_id = by_id(results)
    typed_by_id = {result.id: result for result in typed}
    recalled = recall(results_by_id, parent_qa, parent_results)
    return Examination(
        recall=recalled.score,
        retention=recalled.retention,
        generalization=generalization(results_by_id, exam),
        drift=style.drift,
        answered=style.answered,
        by_ancestor=forgetting.ancestor_exams(results_by_id, ancestor_exams),
        own_qa=generalization(results_by_id, own_qa) if own_qa else None,
        lost=recalled.lost,
        gained=recalled.gained,
        results=tuple(results),
        tone_answers=style.answers,
        seconds=seconds,
        continued=share_continued(style.answers, typed),
        typed_generalization=typed_score(typed_by_id, exam),
        typed_recall=typed_score(typed_by_id, parent_qa),
        typed_results=tuple(typed),
    )


def share_continued(answers: Sequence[ToneAnswer], typed: Sequence[TypedResult]) -> Score | None:
    """Return the share of answers that first continue the prompt; None when a record lacks this for any of them."""
    continued = [*(answer.continued for answer in answers), *(result.continued for result in typed)]
    return None if None in continued else Score.of(sum(map(bool, continued)), len(continued))


def _distinct(parts: Mapping[str, Sequence[Item]]) -> dict[str, list[Item]]:
    """Return each part without the items that it or an earlier part already holds.

    Raises ValueError when one id stands for two different questions.
    """
    seen: dict[str, Item] = {}
    distinct: dict[str, list[Item]] = {}
    for part, items in parts.items():
        distinct[part] = []
        for item in items:
            if item.id not in seen:
                seen[item.id] = item
                distinct[part].append(item)
            first = seen[item.id]
            if (first.shown, first.expected) != (item.shown, item.expected):
                raise ValueError(
                    f"item id {item.id} stands for two different questions ({first.prompt[:40]!r} and "
                    f"{item.prompt[:40]!r}, in the set '{part}'); ids must come from the item's content"
                )
    return distinct


def _optional(score: Score | None) -> dict[str, Any] | None:
    return None if score is None else score.to_dict()


def _read_optional(data: Mapping[str, Any] | None) -> Score | None:
    return None if data is None else Score.from_dict(data)
