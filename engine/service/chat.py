"""Chat with a generation: its GGUF, a raw prompt, and nothing in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.config.config import Config
from engine.core.cpu import default_threads
from engine.models.base import prepare_base
from engine.models.resolve import gguf_of, name_of, require_same_model
from engine.runtime.client import Runtime
from engine.runtime.protocol import StreamEvent
from engine.workspace.layout import Workspace
from probes.base import ProgressCallback, Prompt


class ChatModel:
    """One generation, loaded in a llama.cpp subprocess of its own, so that chat works during training or an exam."""

    def __init__(self, label: str, gen: int | None, runtime: Runtime) -> None:
        self.label = label
        self.gen = gen
        self._runtime = runtime

    def stream(
        self, prompt: Prompt, *, max_tokens: int, temperature: float, seed: int, top_p: float = 1.0
    ) -> Iterator[StreamEvent]:
        """Yield the answer piece by piece; the last event carries the statistics."""
        return self._runtime.stream(prompt, max_tokens=max_tokens, temperature=temperature, seed=seed, top_p=top_p)

    def newest_turns(self, turns: Sequence[str], max_tokens: int) -> tuple[str, ...]:
        """Return the newest of a conversation's turns that fit the window with an answer of `max_tokens` after them.

        The last turn is the prompt. What is left begins with a person's turn, as in training; a prompt that does not
        fit by itself is returned alone.
        """
        texts = [turns[0], *("\n" + turn for turn in turns[1:])]
        first = list(map(len, self._runtime.tokenize(list(turns))))
        later = list(map(len, self._runtime.tokenize(texts)))
        room = (self._runtime.info.n_ctx if self._runtime.info else 0) - max_tokens - 1
        start = len(turns) - 1
        used = 0
        for at in range(len(turns) - 3, -1, -2):
            used += later[at + 1] + later[at + 2]
            if first[at] + used > room:
                break
            used += later[at]
            start = at
        return tuple(turns[start:])

    def cancel(self) -> None:
        """Stop the running answer; may be called from any thread."""
        self._runtime.cancel()

    def close(self) -> None:
        """Stop the subprocess, which unloads the model."""
        self._runtime.close()


def open_chat(workspace: Workspace, config: Config, ref: str, *, progress: ProgressCallback | None = None) -> ChatModel:
    """Load the generation that `ref` names, rebuilding its GGUF if gc collected it.

    Raises LedgerBadInput for an unknown reference, Damaged for a file that is another model, and what loading raises.
    """
    named = name_of(workspace.lineage(), ref)
    base = prepare_base(workspace, config, progress=progress, weights=False)
    runtime = Runtime(log=workspace.log("chat.log"))
    try:
        gguf = gguf_of(workspace, base, named, runtime)
        threads = config.train.threads or default_threads()
        info = runtime.load(gguf, n_ctx=config.model.chat_context, n_parallel=1, threads=threads)
        require_same_model(workspace, named, gguf, info)
    except BaseException:
        runtime.close()
        raise
    return ChatModel(named.label, named.gen, runtime)
