"""The voice in the making: pinned prompts, answered greedily by the model in training every few steps.

Nothing of it reaches the weights: no gradient, no random number, and the time it takes is neither in the steps' speed
nor in the training's. What it costs is held to a share of the time trained so far.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from engine.control import Control
from engine.events import Emitter, VoiceSampled
from engine.training.blocks import Blocks
from engine.training.job import VoicePlan
from engine.training.machine import Machine

# What the first sampling may cost is not known before it: about as much as one training step.
_FIRST_GUESS_STEPS = 1.0


class Voice:
    """Asks the model in training; a failure is told once and ends the sampling, never the training.

    `seconds` is what all of it has cost so far.
    """

    def __init__(
        self,
        plan: VoicePlan,
        model: Any,
        tokenizer: PreTrainedTokenizerBase,
        machine: Machine,
        emit: Emitter,
        control: Control,
        *,
        joined: bool,
        autocast: bool,
    ) -> None:
        self._plan, self._model, self._tokenizer, self._machine = plan, model, tokenizer, machine
        self._emit, self._control = emit, control
        self._joined, self._autocast = joined, autocast
        self._trained_s = 0.0
        self._last_cost: float | None = None
        self._off = False
        self.seconds = 0.0

    def after_step(self, step: int, step_seconds: float) -> None:
        """Ask when it is time and the budget has room; `step_seconds` is what the step itself took."""
        self._trained_s += step_seconds
        if self._off or step % self._plan.every_steps or self._control.stopping:
            return
        allowed = self._plan.budget * self._trained_s - self.seconds
        expected = _FIRST_GUESS_STEPS * step_seconds if self._last_cost is None else self._last_cost
        if expected > allowed:
            return
        began = time.monotonic()
        try:
            self._ask(step, began + allowed)
        except Exception as error:
            self._off = True
            self._emit.log(f"the voice is not sampled any longer: {type(error).__name__}: {error}", "warning")
        finally:
            self._last_cost = time.monotonic() - began
            self.seconds += self._last_cost

    def _ask(self, step: int, deadline: float) -> None:
        """Ask every pinned prompt side by side, and tell their answers; at the deadline they are cut where they are."""
        began = time.monotonic()
        prompts = [list(ids) for ids in self._plan.prompts.values()]
        answers: list[list[int]] = [[] for _ in prompts]
        reasons = [""] * len(prompts)
        training = self._model.training
        self._model.eval()
        try:
            for _ in range(self._plan.max_tokens):
                going = [i for i, reason in enumerate(reasons) if not reason]
                if not going or self._control.stopping or time.monotonic() > deadline:
                    break
                following = self._next_ids([prompts[i] + answers[i] for i in going])
                for i, token in zip(going, following, strict=True):
                    if token == self._plan.eos_id:
                        reasons[i] = "eos"
                    else:
                        answers[i].append(token)
        finally:
            self._model.train(training)
        share = (time.monotonic() - began) / len(prompts)
        for prompt, answer, reason in zip(self._plan.prompts, answers, reasons, strict=True):
            cut = "length" if len(answer) == self._plan.max_tokens else "budget"
            text = str(self._tokenizer.decode(answer, skip_special_tokens=False)).lstrip("\n")
            self._emit(
                VoiceSampled, step=step, prompt=prompt, text=text, stop_reason=reason or cut, seconds=round(share, 4)
            )

    @torch.no_grad()
    def _next_ids(self, sequences: Sequence[Sequence[int]]) -> list[int]:
        """The most likely next token of every sequence, each computed from its whole length: they are a few words."""
        lengths = [len(sequence) for sequence in sequences]
        device = self._machine.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            if self._joined:
                joined = [token for sequence in sequences for token in sequence]
                logits = self._model(
                    input_ids=torch.tensor([joined], device=device),
                    position_ids=torch.tensor([[p for n in lengths for p in range(n)]], device=device),
                    logits_to_keep=torch.tensor(lengths, device=device).cumsum(0) - 1,
                    use_cache=False,
                    luna_blocks=Blocks.of(lengths).to(device),
                ).logits[0]
            else:
                longest = max(lengths)
                padded = [[*sequence, *[self._plan.eos_id] * (longest - len(sequence))] for sequence in sequences]
                mask = [[1] * n + [0] * (longest - n) for n in lengths]
                every = self._model(
                    input_ids=torch.tensor(padded, device=device),
                    attention_mask=torch.tensor(mask, device=device),
                    use_cache=False,
                ).logits
                logits = every[torch.arange(len(lengths), device=device), torch.tensor(lengths, device=device) - 1]
        return [int(token) for token in logits.argmax(-1)]
