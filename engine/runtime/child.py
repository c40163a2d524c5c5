"""The llama.cpp child: reads requests from fd 0, replies on what was fd 1, and dies alone when llama.cpp aborts.

Started as `python -m engine.runtime.child`. fd 1 is duplicated and then pointed at stderr first, so nothing a C library
prints can end up among the replies. See `protocol.py` for the messages.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

from engine.core.counted import counted
from engine.core.errors import LunaError, RuntimeChildError, UsageError
from engine.runtime.protocol import Reply, Request, decode_request, encode
from probes.answer_text import trim_answer
from probes.typing_habits import continues_prompt

if TYPE_CHECKING:
    from engine.runtime.model import CancelFlag, LlamaModel
    from engine.runtime.sampling import Sampler


Turns = str | Sequence[str]
"""A `probes.base.Prompt` as it arrives through JSON."""


class Child:
    """The child's operations, and the model that stays loaded between them."""

    def __init__(self, out: BinaryIO, cancel: CancelFlag) -> None:
        self.out = out
        self.cancel = cancel
        self.model: LlamaModel | None = None
        self.id = 0

    def answer(self, request: Request) -> None:
        """Run one request and write its replies; every Python exception becomes an `error` reply."""
        self.id = request.id
        try:
            work: Callable[..., dict[str, Any]] = getattr(self, "op_" + request.op)
            self.reply("done", work(**request.args))
        except LunaError as error:
            kind = "usage" if isinstance(error, UsageError) else "failed"
            self.reply("error", {"kind": kind, "title": error.title, "where": error.where, "hint": error.hint})
        except Exception as error:
            traceback.print_exc()
            title = f"the runtime failed at {request.op}: {type(error).__name__}: {error}"
            self.reply("error", {"kind": "failed", "title": title, "where": "", "hint": ""})

    def reply(self, event: Any, data: dict[str, Any]) -> None:
        self.out.write(encode(Reply(self.id, event, data)))
        self.out.flush()

    def op_system(self) -> dict[str, Any]:
        from engine.runtime import model

        return model.system()

    def op_load(self, path: str, n_ctx: int, n_parallel: int, threads: int, vocab_only: bool) -> dict[str, Any]:
        from engine.runtime.model import LlamaModel

        self.op_unload()
        self.model = LlamaModel(
            path, n_ctx=n_ctx, n_parallel=n_parallel, threads=threads, vocab_only=vocab_only, cancel=self.cancel
        )
        return asdict(self.model.info())

    def op_unload(self) -> dict[str, Any]:
        if self.model:
            self.model.close()
            self.model = None
        return {}

    def op_quantize(self, src: str, dst: str, ftype: str, threads: int) -> dict[str, Any]:
        from engine.runtime import model

        model.quantize(src, dst, ftype, threads)
        return {}

    def op_tokenize(self, texts: Sequence[str], add_special: bool, parse_special: bool) -> dict[str, Any]:
        model = self._loaded()
        return {"ids": [model.tokenize(text, add_special=add_special, parse_special=parse_special) for text in texts]}

    def op_detokenize(self, ids: Sequence[Sequence[int]]) -> dict[str, Any]:
        return {"texts": list(map(self._loaded().detokenize, ids))}

    def op_generate(
        self,
        prompts: Sequence[Turns],
        max_tokens: Sequence[int],
        temperature: float,
        top_p: float,
        seeds: Sequence[int],
    ) -> dict[str, Any]:
        from engine.runtime.continuous_batching import generate
        from engine.runtime.model import Cancelled

        model = self._loaded(weights=True)
        ids = [self._prompt_ids(model, prompt) for prompt in prompts]

        def done(index: int, answer: list[int], reason: str, ms: float) -> None:
            raw = model.text(answer)
            data = {"index": index, "text": trim_answer(raw), "tokens": len(answer), "stop_reason": reason, "ms": ms}
            self.reply("item", data | {"continued": continues_prompt(raw)})

        try:
            work = generate(
                model,
                ids,
                max_tokens=max_tokens,
                make_sampler=lambda i: _sampler(temperature, top_p, seeds[i]),
                done=done,
            )
        except Cancelled:
            return {"cancelled": True}
        return {"cancelled": False, **asdict(work)}

    def op_loglikelihood(self, pairs: Sequence[tuple[Turns, str]]) -> dict[str, Any]:
        from engine.runtime.loglikelihood import loglikelihood
        from engine.runtime.model import Cancelled

        model = self._loaded(weights=True)
        ids: list[tuple[list[int], list[int]]] = []
        prompt_ids: dict[tuple[str, ...], list[int]] = {}
        for prompt, answer in pairs:
            turns = _turns(prompt)
            if turns not in prompt_ids:
                prompt_ids[turns] = self._prompt_ids(model, turns)
            answer_ids = model.tokenize("\n" + answer)
            if len(prompt_ids[turns]) + len(answer_ids) > model.limit:
                raise _too_long(turns, len(prompt_ids[turns]), model.limit, len(answer_ids))
            ids.append((prompt_ids[turns], answer_ids))

        def done(index: int, total: float, tokens: int, ms: float) -> None:
            self.reply("item", {"index": index, "total": total, "tokens": tokens, "ms": ms})

        try:
            work = loglikelihood(model, ids, done=done)
        except Cancelled:
            return {"cancelled": True}
        return {"cancelled": False, **asdict(work)}

    def op_stream(self, prompt: Turns, max_tokens: int, temperature: float, top_p: float, seed: int) -> dict[str, Any]:
        from engine.runtime.streaming import stream

        model = self._loaded(weights=True)
        ids = self._prompt_ids(model, prompt, chatting=True)
        sampler = _sampler(temperature, top_p, seed)
        stats = stream(
            model, ids, max_tokens=max_tokens, sampler=sampler, piece=lambda text: self.reply("piece", {"text": text})
        )
        return asdict(stats)

    def _loaded(self, weights: bool = False) -> LlamaModel:
        if not self.model:
            raise RuntimeChildError("no model is loaded", hint="load one first")
        if weights and self.model.vocab_only:
            raise RuntimeChildError("only the vocabulary is loaded", hint="load the model with its weights")
        return self.model

    def _prompt_ids(self, model: LlamaModel, prompt: Turns, *, chatting: bool = False) -> list[int]:
        turns = _turns(prompt)
        ids = model.prompt_ids(turns)
        if len(ids) >= model.limit:
            raise _too_long(turns, len(ids), model.limit, chatting=chatting)
        return ids


def _sampler(temperature: float, top_p: float, seed: int) -> Sampler | None:
    from engine.runtime.sampling import Sampler

    return Sampler(seed, temperature, top_p) if temperature > 0 else None


def _turns(prompt: Turns) -> tuple[str, ...]:
    return (prompt,) if isinstance(prompt, str) else tuple(prompt)


def _too_long(turns: Sequence[str], tokens: int, limit: int, answer: int = 0, *, chatting: bool = False) -> UsageError:
    what = f"the prompt has {counted(tokens, 'token')}" + (f" and its answer {answer}" if answer else "")
    return UsageError(
        f"{what}; the context holds {limit}",
        where=f"prompt {turns[-1][:60]!r}",
        # Only chat's context is a key of luna.toml of its own; an exam's follows from that of training.
        hint=f"shorten the prompt, or raise {'[model] chat_context' if chatting else '[model] context'} in luna.toml",
    )


def main() -> None:
    """Serve requests until the parent closes the pipe or dies."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: SimpleQueue[Request] = SimpleQueue()
    try:
        from engine.runtime import model

        model.start()
    except Exception as error:
        traceback.print_exc()
        request = decode_request(sys.stdin.buffer.readline())
        title = f"llama-cpp-python cannot be imported: {error}"
        data = {"kind": "failed", "title": title, "where": sys.executable, "hint": "install llama-cpp-python"}
        out.write(encode(Reply(request.id, "error", data)))
        out.flush()
        return
    cancel = model.CancelFlag()
    child = Child(out, cancel)
    current = threading.Lock()
    state = {"id": 0, "cancelled": 0}

    def read() -> None:
        for line in sys.stdin.buffer:
            request = decode_request(line)
            if request.op == "cancel":
                with current:
                    state["cancelled"] = max(state["cancelled"], request.id)
                    if state["id"] == request.id:
                        cancel.set(True)
            else:
                requests.put(request)
        # End of file: the parent closed the pipe or died. A decode may be running; nothing here needs saving.
        os._exit(0)

    threading.Thread(target=read, name="requests", daemon=True).start()
    while True:
        request = requests.get()
        with current:
            state["id"] = request.id
            cancel.set(state["cancelled"] >= request.id)
        child.answer(request)


if __name__ == "__main__":
    main()
