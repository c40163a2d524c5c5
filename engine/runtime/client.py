"""Client of llama.cpp for the engine, the evals and the chat: a `Runtime` is one model in its own child process.

    with Runtime(threads=2, log=path) as runtime:
        runtime.load("luna_age_3.gguf", n_ctx=4096, n_parallel=32)     -> ModelInfo
        runtime.tokenize(["Can you help me?"])                          -> [[ids]]
        runtime.generate(prompts, max_tokens=32)                        -> [probes.base.Generation]
        runtime.loglikelihood([(prompt, answer), ...])                  -> [probes.base.LogLikelihood]
        for event in runtime.stream("Can you help me?"):                -> StreamEvent; the last carries .stats
            ...
        runtime.quantize(src, dst, "q8_0")                              needs no loaded model

The child starts with the first request and ends with `close()`, or with this process. When llama.cpp aborts, the call
in progress raises RuntimeChildError with the signal and the end of llama.cpp's log, and the next call starts a new
child and loads the model again. A loaded Runtime satisfies `probes.base.Model`.

One request at a time: calls from other threads wait. `cancel()` may come from any thread: `stream` then ends with
stop_reason "stopped", `generate` and `loglikelihood` raise Interrupted. Use separate Runtimes for chat and for evals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.core.cpu import default_threads
from engine.core.errors import Interrupted, RuntimeChildError, UsageError
from engine.gguf.header import check_gguf
from engine.runtime.connection import Connection
from engine.runtime.process import ChildProcess
from engine.runtime.protocol import ModelInfo, QuantType, StreamEvent, StreamStats, WorkDone
from probes.base import Generation, LogLikelihood, Prompt

_PART_CHARS = 200_000
_PART_TEXTS = 500


class Runtime:
    """One model in a child process; `log` receives the child's stderr, without it a temporary file does.

    `load_timeout` is in seconds.
    """

    def __init__(self, *, threads: int | None = None, log: Path | None = None, load_timeout: float = 300.0) -> None:
        self.threads = threads or default_threads()
        self.load_timeout = load_timeout
        self.info: ModelInfo | None = None
        self.last_work = WorkDone()
        self._connection = Connection(log)
        self._load: dict[str, Any] | None = None
        self._loaded: tuple[ChildProcess | None, dict[str, Any], tuple[int, int]] | None = None

    def __enter__(self) -> Runtime:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None when no child is alive."""
        child = self._connection.child
        return child.process.pid if child and child.alive else None

    def close(self) -> None:
        """End the child, even in the middle of a request; the Runtime can be used again."""
        self._connection.close()

    def cancel(self) -> None:
        """Make the request that another thread is waiting for end early; do nothing when there is none."""
        self._connection.cancel()

    def load(
        self,
        path: Path | str,
        *,
        n_ctx: int = 4096,
        n_parallel: int = 32,
        threads: int | None = None,
        vocab_only: bool = False,
    ) -> ModelInfo:
        """Load a GGUF; returns at once when the same unchanged file is already loaded with the same settings.

        `n_ctx` is the size of the cache in tokens, shared by up to `n_parallel` sequences, and the most one sequence
        may have. Raises UsageError for something that is not a GGUF or for an `n_ctx` or `n_parallel` that is too
        small, Damaged for a truncated one, RuntimeChildError when llama.cpp refuses it, aborts on it or takes longer
        than `load_timeout` seconds.
        """
        check_gguf(path)
        if n_ctx < 8 or n_parallel < 1:
            raise UsageError(f"n_ctx={n_ctx} and n_parallel={n_parallel} are too small", hint="use 4096 and 32")
        load: dict[str, Any] = {
            "path": os.path.abspath(path),
            "n_ctx": n_ctx,
            "n_parallel": n_parallel,
            "threads": threads or self.threads,
            "vocab_only": vocab_only,
        }
        with self._connection.request():
            self._load = load
            return self._ensure_loaded()

    def unload(self) -> None:
        """Free the model's memory; the child process stays alive for the next `load`."""
        with self._connection.request():
            self._load = self._loaded = self.info = None
            if self.pid:
                self._connection.call("unload", {})

    def tokenize(
        self,
        texts: Sequence[str],
        *,
        add_special: bool = False,
        parse_special: bool = False,
        on_done: Callable[[int, int], None] | None = None,
    ) -> list[list[int]]:
        """Return the token ids of every text from the loaded GGUF's tokenizer.

        `add_special` adds BOS/EOS where the GGUF says so; `parse_special` parses `<|im_end|>` in a text as the token.
        `on_done(done, total)` is called between parts of the texts and may raise to stop.
        """
        ids: list[list[int]] = []
        with self._connection.request():
            self._ensure_loaded()
            for part in _parts(texts):
                args = {"texts": part, "add_special": add_special, "parse_special": parse_special}
                ids += self._connection.call("tokenize", args)["ids"]
                if on_done:
                    on_done(len(ids), len(texts))
        return ids

    def detokenize(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Return the text of every list of ids, with special tokens written out and invalid UTF-8 replaced."""
        with self._connection.request():
            self._ensure_loaded()
            return self._connection.call("detokenize", {"ids": [list(map(int, row)) for row in ids]})["texts"]

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: Sequence[int] | int,
        temperature: float = 0.0,
        seeds: Sequence[int] | None = None,
        top_p: float = 1.0,
        on_done: Callable[[int, Generation], None] | None = None,
    ) -> list[Generation]:
        """Continue every raw prompt, many at once; greedy at temperature 0, else sampled with one seed per prompt.

        Without `seeds`, prompt i has seed i. Stops at any end-of-generation token ("eos"), at `max_tokens` or a full
        context ("length"). The text is stripped of white space around it; `continued` says whether it continues the
        prompt. `ms` is the time from the prompt's admission to its end, with the others running beside it. The same
        call on the same machine and threads gives the same answers. Raises UsageError for a prompt longer than the
        context or for settings that are out of range, Interrupted after `cancel()`.
        """
        budgets = [max_tokens] * len(prompts) if isinstance(max_tokens, int) else list(max_tokens)
        chosen = list(range(len(prompts))) if seeds is None else list(seeds)
        if len(budgets) != len(prompts) or len(chosen) != len(prompts):
            raise UsageError(f"{len(prompts)} prompts, {len(budgets)} max_tokens and {len(chosen)} seeds do not match")
        _check_sampling(budgets, temperature, top_p, chosen)
        args: dict[str, Any] = {"prompts": list(prompts), "max_tokens": budgets, "seeds": chosen}
        args |= {"temperature": temperature, "top_p": top_p}
        results: list[Generation | None] = [None] * len(prompts)

        def item(data: dict[str, Any]) -> None:
            value = Generation(data["text"], data["tokens"], data["stop_reason"], data["ms"], data["continued"])
            results[data["index"]] = value
            if on_done:
                on_done(data["index"], value)

        self._batched("generate", args, item)
        return [result for result in results if result is not None]

    def loglikelihood(
        self,
        pairs: Sequence[tuple[Prompt, str]],
        *,
        on_done: Callable[[int, LogLikelihood], None] | None = None,
    ) -> list[LogLikelihood]:
        """Return the log-likelihood of every answer after its raw prompt: Σ log p of its tokens, in nats.

        EOS is not included. The ids are tokens(prompt) + tokens("\\n" + answer), tokenized separately: the boundary the
        trainer uses. Pairs with the same prompt are scored together. `ms` is a pair's share of its batch. Raises
        UsageError for a pair longer than the context, Interrupted after `cancel()`.
        """
        results: list[LogLikelihood | None] = [None] * len(pairs)

        def item(data: dict[str, Any]) -> None:
            value = LogLikelihood(data["total"], data["tokens"], data["ms"])
            results[data["index"]] = value
            if on_done:
                on_done(data["index"], value)

        self._batched("loglikelihood", {"pairs": [[prompt, answer] for prompt, answer in pairs]}, item)
        return [result for result in results if result is not None]

    def stream(
        self, prompt: Prompt, *, max_tokens: int = 512, temperature: float = 0.0, seed: int = 0, top_p: float = 1.0
    ) -> Iterator[StreamEvent]:
        """Continue one raw prompt piece by piece; pieces are whole characters, the last event carries the stats.

        Holds the Runtime until it is exhausted or closed; closing it early cancels the answer. A prompt that begins
        like the previous stream's prompt and answer is decoded from where it differs. Raises UsageError for a prompt
        longer than the context or for settings that are out of range.
        """
        _check_sampling([max_tokens], temperature, top_p, [seed])
        args: dict[str, Any] = {"prompt": prompt, "max_tokens": max_tokens, "seed": seed}
        args |= {"temperature": temperature, "top_p": top_p}
        with self._connection.request():
            self._ensure_loaded()
            with self._connection.exchange("stream", args) as next_reply:
                while (reply := next_reply()).event != "done":
                    yield StreamEvent(reply.data["text"])
            yield StreamEvent("", StreamStats(**reply.data))

    def quantize(self, src: Path | str, dst: Path | str, ftype: QuantType, *, threads: int | None = None) -> None:
        """Write the GGUF `src` to `dst` with another tensor type; raises as `load` does."""
        check_gguf(src)
        args: dict[str, Any] = {"src": os.path.abspath(src), "dst": os.path.abspath(dst)}
        with self._connection.request():
            self._connection.call("quantize", args | {"ftype": ftype, "threads": threads or self.threads})

    def system(self) -> dict[str, Any]:
        """Return the llama.cpp build: `version`, `features` (CPU features it was compiled with), `gpu` (bool)."""
        with self._connection.request():
            return self._connection.call("system", {})

    def _batched(self, op: str, args: dict[str, Any], item: Callable[[dict[str, Any]], None]) -> None:
        with self._connection.request():
            self._ensure_loaded()
            data = self._connection.call(op, args, item)
        if data.pop("cancelled"):
            raise Interrupted(f"{op} was stopped before all of it was done")
        self.last_work = WorkDone(**data)

    def _ensure_loaded(self) -> ModelInfo:
        """Load the model of the last `load` call, unless this child has it already."""
        if not self._load:
            raise RuntimeChildError("no model is loaded", hint="load one first")
        child, wanted = self._connection.child, _file_state(self._load["path"])
        if self.info and self._loaded and child and child.alive:
            wanted = wanted or self._loaded[2]  # a loaded model outlives its file
            if self._loaded == (child, self._load, wanted):
                return self.info
        self._loaded = self.info = None
        data = self._connection.call("load", self._load, timeout=self.load_timeout)
        data["eog_ids"] = tuple(data["eog_ids"])
        self.info = ModelInfo(**data)
        self._loaded = (self._connection.child, self._load, wanted or (0, 0))
        return self.info


def _file_state(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _check_sampling(budgets: Sequence[int], temperature: float, top_p: float, seeds: Sequence[int]) -> None:
    if any(budget < 1 for budget in budgets):
        raise UsageError(f"max_tokens is {min(budgets)}", hint="an answer needs room for at least one token")
    if not 0.0 <= temperature < float("inf"):
        raise UsageError(f"temperature is {temperature}", hint="use 0 for greedy, or a positive number")
    if not 0.0 < top_p <= 1.0:
        raise UsageError(f"top_p is {top_p}", hint="use a number above 0 and up to 1")
    if any(seed < 0 for seed in seeds):
        raise UsageError(f"seed is {min(seeds)}", hint="seeds are not negative")


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Split texts into parts that take the child a fraction of a second each."""
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= _PART_CHARS or len(part) >= _PART_TEXTS:
            yield part
            part, size = [], 0
    if part:
        yield part
