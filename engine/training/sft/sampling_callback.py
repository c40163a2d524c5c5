"""Sample the voice during training: the model answers pinned prompts greedily every few steps.

Nothing of it reaches the weights: no gradient, no random number, and the time it takes is neither in the steps' speed
nor in the training's. Its cost is limited to a share of the time trained so far.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch

from engine.core.cancellation import Control
from engine.core.events import Emitter, VoiceSampled
from engine.training.device import Device
from engine.training.job import VoicePlan
from engine.training.sft.block_diagonal_attention import Blocks

# The cost of the first sampling is not known in advance: it is taken to be about that of one training step.
_FIRST_GUESS_STEPS = 1.0


class SamplingCallback:
    """Samples the model in training; a failure is logged once and ends the sampling, never the training.

    `seconds` is the time that all samplings have taken so far.
    """

    def __init__(
        self,
        plan: VoicePlan,
        model: Any,
        machine: Device,
        emit: Emitter,
        control: Control,
        *,
        joined: bool,
        autocast: bool,
    ) -> None:
        self._plan, self._model, self._machine = plan, model, machine
        self._emit, self._control = emit, control
        self._joined, self._autocast = joined, autocast
        self._trained_s = 0.0
        self._last_cost: float | None = None
        self._off = False
        self._last_answers: list[list[int]] = [[] for _ in plan.prompts]
        self.seconds = 0.0

    def after_step(self, step: int, step_seconds: float) -> None:
        """Sample when the step is due and the budget has room; `step_seconds` is the time the step itself took."""
        self._trained_s += step_seconds
        if self._off or step % self._plan.every_steps or self._control.stopping:
            return
        allowed = self._plan.budget * self._trained_s - self.seconds
        expected = _FIRST_GUESS_STEPS * step_seconds if self._last_cost is None else self._last_cost
        if expected > allowed:
            return
        began = time.monotonic()
        try:
            self._sample(step, began + allowed)
        except Exception as error:
            self._off = True
            self._emit.log(f"the voice is not sampled any longer: {type(error).__name__}: {error}", "warning")
        finally:
            self._last_cost = time.monotonic() - began
            self.seconds += self._last_cost

    def _sample(self, step: int, deadline: float) -> None:
        """Answer all pinned prompts side by side and emit the answers; at the deadline they are truncated."""
        began = time.monotonic()
        prompts = [list(ids) for ids in self._plan.prompts.values()]
        drafts, answers = self._last_answers, [[] for _ in prompts]
        reasons = [""] * len(prompts)
        training = self._model.training
        self._model.eval()
        try:
            while going := [i for i, reason in enumerate(reasons) if not reason]:
                if self._control.stopping or time.monotonic() > deadline:
                    break
                known = [prompts[i] + answers[i] for i in going]
                guesses = [_rest(drafts[i], answers[i]) for i in going]
                for i, tokens in zip(going, self._following(known, guesses), strict=True):
                    answers[i] += tokens
                    if self._plan.eos_id in answers[i]:
                        del answers[i][answers[i].index(self._plan.eos_id) :]
                        reasons[i] = "eos"
                    elif len(answers[i]) >= self._plan.max_tokens:
                        del answers[i][self._plan.max_tokens :]
                        reasons[i] = "length"
        finally:
            self._model.train(training)
        self._last_answers = [
            answer + [self._plan.eos_id] * (r == "eos") for answer, r in zip(answers, reasons, strict=True)
        ]
        share = (time.monotonic() - began) / len(prompts)
        texts = self._plan.decode(answers)
        for prompt, reason, text in zip(self._plan.prompts, reasons, texts, strict=True):
            said, cut = text.strip("\n"), reason or "budget"
            self._emit(VoiceSampled, step=step, prompt=prompt, text=said, stop_reason=cut, seconds=round(share, 4))

    def _following(self, known: Sequence[list[int]], guesses: Sequence[list[int]]) -> list[list[int]]:
        """Return the greedy continuation of every sequence: the part of its guess the model agrees with, and one token.

        A pass over a few tokens costs as much as one over a single token, since the weights have to be read either way;
        the previous answer is most often given again (greedy speculative decoding, Leviathan et al. 2023,
        arXiv:2211.17192).
        """
        joined = [ids + guess for ids, guess in zip(known, guesses, strict=True)]
        choices = self._choices(joined, [len(guess) + 1 for guess in guesses])
        found: list[list[int]] = []
        for guess, following in zip(guesses, choices, strict=True):
            agreed = next((n for n, token in enumerate(guess) if token != following[n]), len(guess))
            found.append(following[: agreed + 1])
        return found

    @torch.no_grad()
    def _choices(self, sequences: Sequence[Sequence[int]], counts: Sequence[int]) -> list[list[int]]:
        """Return the most likely next token after each of the last `counts[i]` tokens of every sequence."""
        lengths = [len(sequence) for sequence in sequences]
        device = self._machine.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            if self._joined:
                joined = [token for sequence in sequences for token in sequence]
                ends = list(accumulate(lengths))
                kept = [at for end, count in zip(ends, counts, strict=True) for at in range(end - count, end)]
                logits = self._model(
                    input_ids=torch.tensor([joined], device=device),
                    position_ids=torch.tensor([[p for n in lengths for p in range(n)]], device=device),
                    logits_to_keep=torch.tensor(kept, device=device),  # other positions' logits are unused
                    use_cache=False,
                    luna_blocks=Blocks.of(lengths).to(device),
                ).logits[0]
                return [part.argmax(-1).tolist() for part in logits.split(list(counts))]
            longest = max(lengths)
            padded = [[*sequence, *[self._plan.eos_id] * (longest - len(sequence))] for sequence in sequences]
            mask = [[1] * n + [0] * (longest - n) for n in lengths]
            logits = self._model(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                use_cache=False,
            ).logits
        ends = zip(logits, lengths, counts, strict=True)
        return [row[n - count : n].argmax(-1).tolist() for row, n, count in ends]


def _rest(draft: list[int], answer: list[int]) -> list[int]:
    """Return the part of a draft after an answer that it begins with; [] if it does not begin with it."""
    return draft[len(answer) :] if draft[: len(answer)] == answer else []
