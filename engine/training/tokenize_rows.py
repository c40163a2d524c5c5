"""Tokenize rows with the runtime's tokenizer, so that a model is trained on the ids it is prompted with later.

At run time the model sees `tokens(prompt)` and must itself produce `"\\n" + answer` and EOS. Some tokenizers merge
across that boundary when both are tokenized as one text, so prompt and answer are tokenized separately and their ids
concatenated. In a conversation all turns are: the runtime feeds a kept history the same way. An answer there is
followed by the next turn's line break, since that is what stands in a history; what is to be predicted after it is EOS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.data.rows import Row
from engine.training.job import IGNORED, Example
from engine.training.windows import TurnLengths, Window, plan_windows

Tokenize = Callable[[Sequence[str]], list[list[int]]]
Windows = Mapping[str, Sequence[Window]]


@dataclass(frozen=True, slots=True)
class Specials:
    """The special token ids that a GGUF declares; `bos` only where its runtime adds one by itself."""

    bos: int | None
    eos: int

    @property
    def head(self) -> tuple[int, ...]:
        """Return the ids that every sequence begins with."""
        return () if self.bos is None else (self.bos,)


def encode_rows(
    rows: Sequence[Row],
    tokenize: Tokenize,
    specials: Specials,
    context: int,
    *,
    prompts_count: bool = False,
    windows: Windows | None = None,
) -> list[tuple[Example, ...]]:
    """Return the training sequences of each row, in order; a conversation longer than the context has several.

    `context` is in tokens. Prompts are masked unless `prompts_count`; plain text always counts whole. Every sequence
    ends with EOS: a model that is not trained to stop never does. `windows` gives those of conversations by row id, in
    place of the ones that fit best. Raises UsageError naming the rows that do not fit the context.
    """
    parts = _tokenized([_texts(row) for row in rows], tokenize)
    openings = _openings(rows, parts, tokenize, specials, context, windows)
    encoded: list[tuple[Example, ...]] = []
    too_long: list[str] = []
    for row, turns in zip(rows, parts, strict=True):
        if row.kind == "chat":
            first = openings.get(row.id, {})
            chat = _Chat(row, [first.get(at, ids) for at, ids in enumerate(turns)], turns)
            try:
                chosen = windows[row.id] if windows is not None else chat.windows(specials, context)
                encoded.append(chat.sequences(chosen, specials, prompts_count))
            except ValueError as error:
                too_long.append(f"{row.source} ({error})")
            continue
        masked = 0 if prompts_count or row.kind == "text" else len(turns[0])
        example = _whole(row, [id_ for ids in turns for id_ in ids], masked, specials)
        if len(example.ids) > context:
            too_long.append(f"{row.source} ({len(example.ids)} tokens)")
        encoded.append((example,))
    if too_long:
        raise UsageError(
            f"{counted(len(too_long), 'row is', 'rows are')} longer than "
            f"the context of {context} tokens: {', '.join(too_long[:3])}" + (" …" if len(too_long) > 3 else ""),
            hint="split these rows, or raise [model] context in luna.toml",
        )
    return encoded


@dataclass(frozen=True, slots=True)
class _Chat:
    """A conversation's turns as ids: `first` as they begin a window, `later` with the line break before them."""

    row: Row
    first: Sequence[Sequence[int]]
    later: Sequence[Sequence[int]]

    def windows(self, specials: Specials, context: int) -> tuple[Window, ...]:
        lengths = TurnLengths(list(map(len, self.first)), list(map(len, self.later)))
        answers = [at for at, turn in enumerate(self.row.turns) if turn.role == "assistant" and turn.learned]
        return plan_windows(lengths, answers, context - len(specials.head) - 1)

    def sequences(self, windows: Sequence[Window], specials: Specials, prompts_count: bool) -> tuple[Example, ...]:
        ends = [0, *(window.end for window in windows)]
        return tuple(
            self._sequence(window, specials, prompts_count, begun)
            for window, begun in zip(windows, ends[:-1], strict=True)
        )

    def _sequence(self, window: Window, specials: Specials, prompts_count: bool, begun: int) -> Example:
        """Return a window as a sequence; an earlier one holds the turns before `begun`."""
        ids = list(specials.head)
        labels = [IGNORED] * len(ids)
        repeated = 0
        answer_ended = False
        for at in range(window.start, window.end):
            turn, tokens = self.row.turns[at], self.first[at] if at == window.start else self.later[at]
            is_target = turn.role == "assistant" and turn.learned and at >= window.learned_from
            counts = is_target or (prompts_count and turn.role == "user" and at >= window.learned_from - 1)
            labels += tokens if counts else [IGNORED] * len(tokens)
            if answer_ended:
                labels[len(ids)] = specials.eos
            ids += tokens
            answer_ended = is_target
            repeated += len(tokens) if at < begun else 0
        labels[0] = IGNORED
        ids, labels = [*ids, specials.eos], [*labels, specials.eos]
        return Example(self.row.id, tuple(ids), tuple(labels), self.row.stage, window=window, repeated=repeated)


def _whole(row: Row, ids: Sequence[int], masked: int, specials: Specials) -> Example:
    """Return a question or a text as one sequence; nothing predicts its first token, so that never counts."""
    before = len(specials.head) + masked if masked else 0
    whole = (*specials.head, *ids, specials.eos)
    ignored = max(1, before)
    return Example(row.id, whole, (*[IGNORED] * ignored, *whole[ignored:]), row.stage)


def _texts(row: Row) -> list[str]:
    first, *later = row.texts
    return [first, *("\n" + text for text in later)]


def _tokenized(rows: Sequence[Sequence[str]], tokenize: Tokenize) -> list[list[list[int]]]:
    """Return the ids of every text of every row, from one call of the tokenizer."""
    ids = iter(tokenize([text for texts in rows for text in texts]))
    return [[next(ids) for _ in texts] for texts in rows]


def _openings(
    rows: Sequence[Row],
    parts: Sequence[Sequence[Sequence[int]]],
    tokenize: Tokenize,
    specials: Specials,
    context: int,
    windows: Windows | None,
) -> dict[str, dict[int, list[int]]]:
    """Return, for conversations that need several windows, the ids of the turns that may begin one."""
    wanted: list[tuple[Row, list[int]]] = []
    for row, turns in zip(rows, parts, strict=True):
        if row.kind != "chat":
            continue
        if windows is not None:
            starts = [window.start for window in windows[row.id] if window.start]
        elif sum(map(len, turns)) + len(specials.head) + 1 > context:
            starts = [at for at, turn in enumerate(row.turns) if turn.role == "user" and at]
        else:
            continue
        wanted.append((row, starts))
    found = _tokenized([[row.turns[at].text for at in starts] for row, starts in wanted], tokenize) if wanted else []
    return {row.id: dict(zip(starts, ids, strict=True)) for (row, starts), ids in zip(wanted, found, strict=True)}
