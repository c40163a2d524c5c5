"""Tokenize rows with the runtime's tokenizer, so that a model is trained on the ids it is prompted with later.

At run time the model sees `tokens(prompt)` and must itself produce `"\\n" + answer` and EOS. Some tokenizers merge
across that boundary when both are tokenized as one text, so prompt and answer are tokenized separately and their ids
concatenated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.data.rows import Row
from engine.training.job import Example

Tokenize = Callable[[Sequence[str]], list[list[int]]]


@dataclass(frozen=True, slots=True)
class Specials:
    """The special token ids that a GGUF declares; `bos` only where its runtime adds one by itself."""

    bos: int | None
    eos: int


def encode_rows(
    rows: Sequence[Row], tokenize: Tokenize, specials: Specials, context: int, *, prompts_count: bool = False
) -> list[Example]:
    """Return one example per row, in order; raises UsageError naming the rows that do not fit the context.

    `context` is in tokens. The prompt of a question is masked unless `prompts_count`; plain text always counts whole.
    Every example ends with EOS: a model that is not trained to stop never does.
    """
    prompts = tokenize([row.prompt for row in rows])
    answers = tokenize([row.response if row.kind == "text" else "\n" + row.response for row in rows])
    head = [] if specials.bos is None else [specials.bos]
    examples: list[Example] = []
    too_long: list[str] = []
    for row, prompt, answer in zip(rows, prompts, answers, strict=True):
        before = head if row.kind == "text" else [*head, *prompt]
        ids = (*before, *answer, specials.eos)
        if len(ids) > context:
            too_long.append(f"{row.source} ({len(ids)} tokens)")
        counts_whole = prompts_count or row.kind == "text"
        examples.append(Example(row.id, ids, 0 if counts_whole else len(before), row.stage))
    if too_long:
        raise UsageError(
            f"{counted(len(too_long), 'row is', 'rows are')} longer than "
            f"the context of {context} tokens: {', '.join(too_long[:3])}" + (" …" if len(too_long) > 3 else ""),
            hint="split these rows, or raise [model] context in luna.toml",
        )
    return examples
