"""A scripted model: it answers from functions and remembers every question it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from probes.base import Generation, LogLikelihood

Answer = str | Generation


class ScriptedModel:
    """`answer(prompt, temperature, seed)` gives a text (ended by EOS) or a whole Generation; `weigh(prompt, answer)`
    gives the total log-likelihood, or (total, tokens). Answers are finished last to first, as a batch might."""

    def __init__(
        self,
        answer: Callable[[str, float, int | None], Answer] = lambda prompt, temperature, seed: "",
        weigh: Callable[[str, str], float | tuple[float, int]] = lambda prompt, answer: -1.0,
    ) -> None:
        self.answer, self.weigh = answer, weigh
        self.generated: list[tuple[str, int, float, int | None]] = []
        self.weighed: list[tuple[str, str]] = []
        self.calls: list[str] = []

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_tokens: Sequence[int] | int,
        temperature: float = 0.0,
        seeds: Sequence[int] | None = None,
        on_done: Callable[[int, Generation], None] | None = None,
    ) -> list[Generation]:
        self.calls.append("generate")
        limits = [max_tokens] * len(prompts) if isinstance(max_tokens, int) else list(max_tokens)
        assert len(limits) == len(prompts)
        assert seeds is None or len(seeds) == len(prompts)
        given: list[Generation] = []
        for i, prompt in enumerate(prompts):
            seed = None if seeds is None else seeds[i]
            self.generated.append((prompt, limits[i], temperature, seed))
            answer = self.answer(prompt, temperature, seed)
            whole = answer if isinstance(answer, Generation) else Generation(answer, len(answer.split()), "eos", 2.0)
            given.append(whole)
        if on_done:
            for i in reversed(range(len(given))):
                on_done(i, given[i])
        return given

    def loglikelihood(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        on_done: Callable[[int, LogLikelihood], None] | None = None,
    ) -> list[LogLikelihood]:
        self.calls.append("loglikelihood")
        given: list[LogLikelihood] = []
        for prompt, answer in pairs:
            self.weighed.append((prompt, answer))
            weight = self.weigh(prompt, answer)
            total, tokens = weight if isinstance(weight, tuple) else (weight, 1)
            given.append(LogLikelihood(total, tokens, 3.0))
        if on_done:
            for i in reversed(range(len(given))):
                on_done(i, given[i])
        return given


@pytest.fixture
def scripted() -> type[ScriptedModel]:
    return ScriptedModel
