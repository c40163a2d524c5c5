"""Check that the exams fit the model's context before training, since afterwards the training would be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from engine.config.config import Config
from engine.core.errors import UsageError
from engine.runtime.client import Runtime
from probes.base import Item

_SHOWN = 3
_SPECIALS = 2
"""Special tokens of a sequence: BOS before the prompt, EOS after the answer."""


def exam_window(config: Config) -> int:
    """Return the exams' context size in tokens: shared by the prompts run in parallel, and the most one may take."""
    return config.model.context * 4


def require_fit(
    runtime: Runtime,
    items: Iterable[Item],
    limit: int,
    names: Mapping[str, str],
    on_done: Callable[[int, int], None] | None = None,
) -> None:
    """Raise UsageError naming the items whose prompt and longest candidate together exceed `limit` tokens.

    `runtime` must have the vocabulary loaded; `names` gives an item's place in the data by its id, for those that have
    one; `on_done(done, total)` counts tokenized texts.
    """
    items = list(items)
    candidates = [[item.expected, *item.distractors] for item in items]
    prompts = [_segments(item) for item in items]
    texts = dict.fromkeys([*chain.from_iterable(prompts), *("\n" + text for row in candidates for text in row)])
    lengths = dict(zip(texts, map(len, runtime.tokenize(list(texts), on_done=on_done)), strict=True))
    too_long: list[str] = []
    for item, prompt, row in zip(items, prompts, candidates, strict=True):
        tokens = sum(lengths[text] for text in prompt) + max(lengths["\n" + text] for text in row) + _SPECIALS
        if tokens > limit:
            too_long.append(f"{names.get(item.id, repr(item.prompt[:40]))} ({tokens} tokens)")
    if too_long:
        more = " …" if len(too_long) > _SHOWN else ""
        raise UsageError(
            f"{len(too_long)} exam items do not fit the {limit} tokens exams run in: "
            f"{', '.join(too_long[:_SHOWN])}{more}",
            hint="split these rows, or raise [model] context in luna.toml if the model's own context allows it",
        )


def newest_turns(
    runtime: Runtime,
    items: Sequence[Item],
    limit: int,
    on_done: Callable[[int, int], None] | None = None,
) -> list[Item]:
    """Return the items with as many of the newest turns of their history as fit `limit` tokens with the longest answer.

    A history that is cut begins with a person's turn, as in training. `runtime` must have the vocabulary loaded.
    """
    long = [item for item in items if item.history and _most_tokens(item) > limit]
    texts = dict.fromkeys(
        text
        for item in long
        for text in (
            *item.history,
            *("\n" + one for one in (*item.history, item.prompt, item.expected, *item.distractors)),
        )
    )
    lengths = dict(zip(texts, map(len, runtime.tokenize(list(texts), on_done=on_done)), strict=True)) if long else {}
    cut = {item.id: replace(item, history=item.history[_first_kept(item, limit, lengths) :]) for item in long}
    return [cut.get(item.id, item) for item in items]


def _first_kept(item: Item, limit: int, lengths: Mapping[str, int]) -> int:
    """Return the place of the oldest turn of the history that fits; all that is left out is in front of it."""
    answer = max(lengths["\n" + text] for text in (item.expected, *item.distractors))
    used = answer + lengths["\n" + item.prompt] + _SPECIALS
    kept = len(item.history)
    for at in range(len(item.history) - 2, -1, -2):  # roles alternate, and the turn before the prompt is an answer
        used += lengths["\n" + item.history[at + 1]]
        if used + lengths[item.history[at]] > limit:
            return kept
        used += lengths["\n" + item.history[at]]
        kept = at
    if kept == 1 and used + lengths[item.history[0]] <= limit:
        return 0  # an assistant who speaks first
    return kept


def _segments(item: Item) -> list[str]:
    """Return the texts that an item's prompt is tokenized as."""
    first, *later = (*item.history, item.prompt)
    return [first, *("\n" + text for text in later)]


def _most_tokens(item: Item) -> int:
    """Return a bound on an item's tokens: one for each byte, and for each line break."""
    answer = max(len(text.encode()) for text in (item.expected, *item.distractors))
    return sum(len(text.encode()) + 1 for text in (*item.history, item.prompt)) + answer + 1 + _SPECIALS
