"""Score given answers; candidates of one prompt share its place in the cache. On token ids, runs in the child."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.runtime.model import LlamaModel
from engine.runtime.protocol import WorkDone
from engine.runtime.sampling import log_normaliser


@dataclass(slots=True)
class _Candidate:
    """An answer to score, and its log-likelihood so far."""

    index: int
    answer: tuple[int, ...]
    total: float = 0.0


@dataclass(slots=True)
class _Group:
    """Candidates after the same prompt.

    `shared` counts the leading tokens to decode that all of them have in common, `tokens` all tokens to decode.
    """

    prompt: tuple[int, ...]
    candidates: list[_Candidate]
    shared: int = field(init=False)
    tokens: int = field(init=False)

    def __post_init__(self) -> None:
        answers = [candidate.answer[:-1] for candidate in self.candidates]
        low, high = min(answers), max(answers)  # the prefix that the smallest and the largest share is common to all
        same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
        self.shared = len(self.prompt) + same
        self.tokens = self.shared + sum(len(answer) - same for answer in answers)


def loglikelihood(
    model: LlamaModel,
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    done: Callable[[int, float, int, float], None],
) -> WorkDone:
    """Score answers; `done(index, total, tokens, ms)` gets Σ log p(answer token | all before it) in nats.

    Answers must have at least one token and fit into the context after their prompt. `Cancelled` propagates. Pairs with
    the same prompt form a group; what its candidates have in common is decoded once, by tokens that belong to all their
    sequences. An answer's last token is never decoded: only its probability is needed.
    """
    model.reset()
    began = time.perf_counter()
    scratch = np.empty(model.n_vocab, np.float64)
    batch = model.batch
    targets: list[list[tuple[_Candidate, int]]] = []  # for every row of logits: the candidates' tokens it predicts
    prompt_tokens = decodes = 0

    def flush() -> None:
        nonlocal decodes
        logits = model.decode()
        decodes += 1
        for row, wanted in zip(logits, targets, strict=True):
            normaliser = log_normaliser(row, scratch)
            for candidate, token in wanted:
                candidate.total += float(row[token]) - normaliser
        targets.clear()

    def feed(ids: tuple[int, ...], start: int, stop: int, slots: list[int], whose: list[_Candidate], n: int) -> None:
        """Put positions start..stop into the batch; position p predicts answer token p - n + 1 (n prompt tokens)."""
        nonlocal prompt_tokens
        while start < stop:
            if not batch.room or batch.rows >= model.max_rows:
                flush()
            end = min(stop, start + batch.room, max(start, n - 1) + model.max_rows - batch.rows)
            wanted = [position >= n - 1 for position in range(start, end)]
            batch.add(ids[start:end], start, slots, wanted)
            for position in range(max(start, n - 1), end):
                targets.append([(x, x.answer[position - n + 1]) for x in whose])
            prompt_tokens += end - start
            start = end

    pending = deque(_grouped(model, pairs))
    while pending:
        pack: list[_Group] = []
        slots = cells = 0
        while pending:
            size, width = pending[0].tokens, len(pending[0].candidates)
            if pack and (slots + width > model.n_parallel or cells + size > min(batch.capacity, model.cells)):
                break
            pack.append(pending.popleft())
            slots, cells = slots + width, cells + size
        started = time.perf_counter()
        first = 0
        for group in pack:
            n, shared = len(group.prompt), group.shared
            whose, ids = group.candidates, group.prompt + group.candidates[0].answer
            feed(ids, 0, shared, list(range(first, first + len(whose))), whose, n)
            for slot, candidate in enumerate(whose, first):
                ids = group.prompt + candidate.answer
                feed(ids, shared, len(ids) - 1, [slot], [candidate], n)
            first += len(whose)
        if batch.size:
            flush()
        model.reset()
        ms = (time.perf_counter() - started) * 1000 / slots
        for candidate in (x for group in pack for x in group.candidates):
            done(candidate.index, candidate.total, len(candidate.answer), ms)
    return WorkDone(prompt_tokens, 0, decodes, time.perf_counter() - began)


def _grouped(model: LlamaModel, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[_Group]:
    """Group candidates by prompt in order of first appearance; no group exceeds the available sequences or cells."""
    by_prompt: dict[tuple[int, ...], list[_Candidate]] = {}
    for i, (prompt, answer) in enumerate(pairs):
        by_prompt.setdefault(tuple(prompt), []).append(_Candidate(i, tuple(answer)))
    groups: list[_Group] = []
    for prompt, candidates in by_prompt.items():
        current: list[_Candidate] = []
        cells = len(prompt)
        for candidate in candidates:
            full = len(current) >= (model.n_parallel if model.can_share else 1)
            if current and (full or cells + len(candidate.answer) > model.cells):
                groups.append(_Group(prompt, current))
                current, cells = [], len(prompt)
            current.append(candidate)
            cells += len(candidate.answer)
        groups.append(_Group(prompt, current))
    return groups
