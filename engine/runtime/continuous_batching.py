"""Continuous batching: many answers generated at once over one cache, on token ids. Runs in the child."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.runtime.model import LlamaModel
from engine.runtime.protocol import WorkDone
from engine.runtime.sampling import Sampler, greedy


@dataclass(slots=True)
class _Prompt:
    """A prompt of which `fed` tokens are in the cache; its cells are free again when no sequence uses it (`users`)."""

    ids: tuple[int, ...]
    fed: int = 0
    users: int = 0


@dataclass(slots=True)
class _Sequence:
    """An answer being generated; `length` tokens of it and its prompt are in the cache or in the batch."""

    index: int
    slot: int
    prompt: _Prompt
    length: int
    max_new: int
    sampler: Sampler | None
    started: float
    ids: list[int] = field(default_factory=list[int])


def generate(
    model: LlamaModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_tokens: Sequence[int],
    make_sampler: Callable[[int], Sampler | None],
    done: Callable[[int, list[int], str, float], None],
) -> WorkDone:
    """Continue every prompt; `done(index, ids, stop_reason, ms)` gets the ids without the ending token.

    `done` is called as answers end, `ms` counts from the prompt's admission. `make_sampler(index)` returns None for
    greedy. Prompts must be shorter than the context and budgets at least 1. `Cancelled` propagates. Whenever a sequence
    ends, the next prompt is decoded beside the running ones, so the batch stays full; equal prompts are decoded once.
    """
    model.reset()
    began = time.perf_counter()
    # Longest budgets first, so that what runs alone at the end is short. Equal prompts are grouped.
    order = sorted(range(len(prompts)), key=lambda i: (-max_tokens[i], i))
    groups: dict[tuple[int, ...], list[int]] = {}
    for i in order:
        key = tuple(prompts[i]) if model.can_share else (*prompts[i], -1 - i)
        groups.setdefault(key, []).append(i)
    waiting = deque(groups.values())
    free = list(range(model.n_parallel))[::-1]
    cells = model.cells
    running: list[_Sequence] = []
    entering: list[_Sequence] = []  # waiting until their common prompt is in the cache
    prompt_tokens = generated = decodes = 0
    batch = model.batch

    def admit() -> list[_Sequence]:
        """Take the next prompt with as many of its sequences as slots and cache cells allow."""
        nonlocal cells
        if not waiting:
            return []
        group = waiting[0]
        prompt = _Prompt(tuple(prompts[group[0]]))
        chosen: list[_Sequence] = []
        for i in group:
            max_new = min(max_tokens[i], model.limit - len(prompt.ids))
            need = max_new + (0 if chosen else len(prompt.ids))
            if not free or need > cells:
                break
            cells -= need
            sampler, now = make_sampler(i), time.perf_counter()
            chosen.append(_Sequence(i, free.pop(), prompt, len(prompt.ids), max_new, sampler, now))
        prompt.users = len(chosen)
        if len(chosen) == len(group):
            waiting.popleft()
        else:
            waiting[0] = group[len(chosen) :]
        return chosen

    def finish(sequence: _Sequence, reason: str) -> None:
        nonlocal cells
        running.remove(sequence)
        model.forget(sequence.slot)
        free.append(sequence.slot)
        sequence.prompt.users -= 1
        cells += sequence.max_new + (0 if sequence.prompt.users else len(sequence.prompt.ids))
        done(sequence.index, sequence.ids, reason, (time.perf_counter() - sequence.started) * 1000)

    while running or entering or waiting:
        rows: list[list[_Sequence]] = []
        for sequence in running:
            batch.add([sequence.ids[-1]], sequence.length, [sequence.slot], True)
            sequence.length += 1
            rows.append([sequence])
        while batch.room:
            entering = entering or admit()
            if not entering:
                break
            prompt = entering[0].prompt
            part = prompt.ids[prompt.fed : prompt.fed + batch.room]
            whole = prompt.fed + len(part) == len(prompt.ids)
            slots = [sequence.slot for sequence in entering]
            batch.add(part, prompt.fed, slots, [False] * (len(part) - 1) + [whole])
            prompt_tokens += len(part)
            prompt.fed += len(part)
            if whole:
                rows.append(entering)
                running += entering
                entering = []
        logits = model.decode()
        decodes += 1
        best = greedy(logits).tolist()
        for row, sequences in enumerate(rows):
            for sequence in sequences:
                token = best[row] if sequence.sampler is None else sequence.sampler.pick(logits[row])
                generated += 1
                if token in model.eog_ids:
                    finish(sequence, "eos")
                    continue
                sequence.ids.append(token)
                if len(sequence.ids) >= sequence.max_new:
                    finish(sequence, "length")
    return WorkDone(prompt_tokens, generated, decodes, time.perf_counter() - began)
