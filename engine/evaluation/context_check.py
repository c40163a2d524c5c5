"""Check that the exams fit the model's context before training, since afterwards the training would be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

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
    texts = dict.fromkeys([*(i.prompt for i in items), *("\n" + text for row in candidates for text in row)])
    lengths = dict(zip(texts, map(len, runtime.tokenize(list(texts), on_done=on_done)), strict=True))
    too_long: list[str] = []
    for item, row in zip(items, candidates, strict=True):
        tokens = lengths[item.prompt] + max(lengths["\n" + text] for text in row) + _SPECIALS
        if tokens > limit:
            too_long.append(f"{names.get(item.id, repr(item.prompt[:40]))} ({tokens} tokens)")
    if too_long:
        more = " …" if len(too_long) > _SHOWN else ""
        raise UsageError(
            f"{len(too_long)} exam items do not fit the {limit} tokens exams run in: "
            f"{', '.join(too_long[:_SHOWN])}{more}",
            hint="split these rows, or raise [model] context in luna.toml if the model's own context allows it",
        )
