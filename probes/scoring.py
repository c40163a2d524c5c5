"""How an item is scored: `match` (greedy answer up to EOS) or `choice` (log-likelihood against distractors)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isfinite

from probes.base import Generation, Item, ItemResult, LogLikelihood, Model, ProgressCallback, Prompt
from probes.normaliser import is_match, normalise

__all__ = ["is_match", "max_answer_tokens", "normalise", "score_items"]

# Two mean log-probabilities nearer than this are the same number computed in another order: a tie.
TIE = 1e-9


def max_answer_tokens(item: Item) -> int:
    """Return the tokens a `match` answer may take: room for the longest right answer and its EOS, none for rambling."""
    longest = max(len(answer.split()) for answer in (item.expected, *item.accept))
    return 8 + 3 * longest + 8


def score_items(
    model: Model, items: Sequence[Item], *, progress: ProgressCallback | None = None, label: str = "items"
) -> list[ItemResult]:
    """Score every item, results in input order: one generate call for `match`, one loglikelihood call for `choice`.

    `progress(done, total, label)` counts whole items. Raises ValueError for a `choice` item without a distractor, or
    when the model returns another number of answers than there were inputs.
    """
    done = 0

    def finished_one() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(items), label)

    results: dict[int, ItemResult] = {}
    match = [i for i, item in enumerate(items) if item.how == "match"]
    choice = [i for i, item in enumerate(items) if item.how == "choice"]
    if match:
        results.update(zip(match, _score_match(model, [items[i] for i in match], finished_one), strict=True))
    if choice:
        results.update(zip(choice, _score_choice(model, [items[i] for i in choice], finished_one), strict=True))
    return [results[i] for i in range(len(items))]


def _score_match(model: Model, items: Sequence[Item], finished_one: Callable[[], None]) -> list[ItemResult]:
    def on_done(_index: int, _generation: Generation) -> None:
        finished_one()

    generations = model.generate(
        [item.asked for item in items],
        max_tokens=[max_answer_tokens(item) for item in items],
        temperature=0.0,
        on_done=on_done,
    )
    _expect_count("generate", len(generations), len(items))
    return [judge_match(item, generation) for item, generation in zip(items, generations, strict=True)]


def judge_match(item: Item, generation: Generation) -> ItemResult:
    """Score a greedy answer: right if the model itself ended it and it is one of the right answers."""
    # Only an answer that the model itself ended counts: one cut off at the limit is rambling, however it begins.
    right = generation.stop_reason == "eos" and is_match(generation.text, item.expected, item.accept)
    return ItemResult(
        id=item.id,
        prompt=item.shown,
        output=generation.text,
        expected=item.expected,
        score=float(right),
        how="match",
        ms=generation.ms,
        stop_reason=generation.stop_reason,
        detail={"tokens": generation.tokens},
    )


def _score_choice(model: Model, items: Sequence[Item], finished_one: Callable[[], None]) -> list[ItemResult]:
    owner: list[int] = []
    pairs: list[tuple[Prompt, str]] = []
    for number, item in enumerate(items):
        if not item.distractors:
            raise ValueError(f"exam item {item.id} ({item.prompt[:60]!r}) is 'choice' but has no distractor to beat")
        for candidate in (item.expected, *item.distractors):
            owner.append(number)
            pairs.append((item.asked, candidate))

    waiting = [1 + len(item.distractors) for item in items]

    def on_done(index: int, _likelihood: LogLikelihood) -> None:
        waiting[owner[index]] -= 1
        if waiting[owner[index]] == 0:
            finished_one()

    likelihoods = model.loglikelihood(pairs, on_done=on_done)
    _expect_count("loglikelihood", len(likelihoods), len(pairs))
    rows: list[list[LogLikelihood]] = [[] for _ in items]
    for number, likelihood in zip(owner, likelihoods, strict=True):
        rows[number].append(likelihood)
    return [_judge_choice(item, row) for item, row in zip(items, rows, strict=True)]


def _judge_choice(item: Item, likelihoods: Sequence[LogLikelihood]) -> ItemResult:
    candidates = (item.expected, *item.distractors)
    means = [_mean(likelihood) for likelihood in likelihoods]
    # The best distractor first: the true answer must beat it, so a tie goes to the distractor.
    chosen = max(range(1, len(candidates)), key=means.__getitem__)
    if means[0] > means[chosen] + TIE and all(_is_usable(likelihood) for likelihood in likelihoods):
        chosen = 0
    return ItemResult(
        id=item.id,
        prompt=item.shown,
        output=candidates[chosen],
        expected=item.expected,
        score=float(chosen == 0),
        how="choice",
        ms=sum(likelihood.ms for likelihood in likelihoods),
        detail={
            # JSON has no infinities: null says that the model gave this candidate no usable number.
            "logprobs": {
                candidate: mean if isfinite(mean) else None for candidate, mean in zip(candidates, means, strict=True)
            },
            "chosen": chosen,
        },
    )


def _mean(likelihood: LogLikelihood) -> float:
    """Return the length-normalised log-likelihood in nats per token; -inf when there is no usable number."""
    return likelihood.total / likelihood.tokens if _is_usable(likelihood) and likelihood.tokens > 0 else -inf


def _is_usable(likelihood: LogLikelihood) -> bool:
    """Return whether it is neither NaN nor +inf.

    A model with broken weights must not win an item by a comparison that is never true.
    """
    return isfinite(likelihood.total) or likelihood.total == -inf


def _expect_count(call: str, got: int, wanted: int) -> None:
    if got != wanted:
        raise ValueError(f"the model's {call} gave {got} answers to {wanted} inputs; it must answer each exactly once")
