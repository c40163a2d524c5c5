"""Stream one answer token by token, reusing what the cache still holds of the turn before. Runs in the child."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from engine.runtime.model import Cancelled, LlamaModel
from engine.runtime.protocol import StreamStats
from engine.runtime.sampling import Sampler
from probes.answer_text import trim_answer
from probes.typing_habits import continues_prompt


def stream(
    model: LlamaModel,
    prompt: Sequence[int],
    *,
    max_tokens: int,
    sampler: Sampler | None,
    piece: Callable[[str], None],
) -> StreamStats:
    """Continue a prompt; `piece(text)` gets whole characters, without the white space around the answer.

    Greedy when `sampler` is None. Sequence 0 of the cache is kept afterwards: a next prompt that begins with the same
    tokens is decoded from where it differs. Cancelling ends the answer with the stop reason "stopped" and raises
    nothing.
    """
    began = time.perf_counter()
    kept = _keep(model, prompt)
    max_new = min(max_tokens, model.limit - len(prompt))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    tokens, first = 0, 0.0
    held, started = "", False  # white space is held back until something follows it
    continued = False
    reason: Literal["eos", "length", "stopped"] = "length"

    def say(text: str) -> None:
        nonlocal held, started, continued
        text = held + text
        visible = text.rstrip()
        if visible:
            held = text[len(visible) :]
            if not started:
                continued = continues_prompt(visible)
            piece(visible if started else trim_answer(visible))
            started = True
        else:
            held = text

    try:
        logits = _prefill(model, prompt, kept)
        while True:
            token = int(np.argmax(logits)) if sampler is None else sampler.pick(logits)
            if tokens == 0:
                first = time.perf_counter() - began
            if token in model.eog_ids:
                reason = "eos"
                break
            tokens += 1
            say(decoder.decode(model.piece(token)))
            if tokens >= max_new:
                break
            if model.cancel:
                raise Cancelled
            model.batch.add([token], len(model.kept), [0], True)
            logits = model.decode()[0]
            model.kept.append(token)
    except Cancelled:
        model.reset()
        reason = "stopped"
    except BaseException:
        model.reset()
        raise
    say(decoder.decode(b"", True))
    after = time.perf_counter() - began - first
    return StreamStats(
        tokens=tokens,
        ms_first_token=first * 1000,
        tokens_per_s=(tokens - 1) / after if tokens > 1 and after > 0 else 0.0,
        stop_reason=reason,
        prompt_tokens=len(prompt),
        prompt_decoded=len(prompt) - kept,
        continued=continued,
    )


def _keep(model: LlamaModel, prompt: Sequence[int]) -> int:
    """Truncate sequence 0 to its common prefix with the prompt and return its length.

    The prompt's last token is always decoded again.
    """
    pairs = zip(model.kept, prompt, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(model.kept), len(prompt)))
    same = min(same, len(prompt) - 1)
    if same == 0 or not model.forget(0, same):
        model.reset()
        return 0
    del model.kept[same:]
    return same


def _prefill(model: LlamaModel, prompt: Sequence[int], start: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Decode the prompt from `start` on and return the logits after its last token [n_vocab]."""
    while True:
        part = list(prompt[start : start + model.batch.room])
        whole = start + len(part) == len(prompt)
        model.batch.add(part, start, [0], [False] * (len(part) - 1) + [whole])
        logits = model.decode()
        model.kept += part
        start += len(part)
        if whole:
            return logits[0]
