"""The protocol between the engine and its llama.cpp child: one JSON object per line, over two pipes.

Parent → child, `Request`: `{"id": 7, "op": "generate", "args": {...}}`. One request is worked on at a time. The one
exception is `{"id": 7, "op": "cancel", "args": {}}`, which may come at any moment, has no reply of its own and makes
request 7 end early. At end of file the child exits.

Child → parent, `Reply`: `{"id": 7, "event": ..., "data": {...}}`. A request is answered by any number of `item` and
`piece` events and exactly one of `done` or `error`.

| op            | args                                                         | events: data      | `done` data     |
|---------------|--------------------------------------------------------------|-------------------|-----------------|
| load          | path, n_ctx, n_parallel, threads, vocab_only                 |                   | `ModelInfo`     |
| unload        |                                                              |                   |                 |
| tokenize      | texts, add_special, parse_special                            |                   | ids             |
| detokenize    | ids                                                          |                   | texts           |
| generate      | prompts, max_tokens, temperature, top_p, seeds (lists)       | item: `answer`    | `work`          |
| loglikelihood | pairs                                                        | item: `score`     | `work`          |
| stream        | prompt, max_tokens, temperature, top_p, seed                 | piece: text       | `StreamStats`   |
| quantize      | src, dst, ftype, threads                                     |                   |                 |
| system        |                                                              |                   | `system`        |

`answer`: index, text, tokens, stop_reason, ms, continued. `score`: index, total, tokens, ms. `work`: cancelled, and
where that is false the fields of `WorkDone`. `system`: version, features, gpu. Ids are lists of lists of numbers.
`error` data: `kind` ("usage": the request was wrong; "failed": llama.cpp could not), `title`, `where`, `hint`.
Texts travel as JSON strings with `\\uXXXX` escapes, so NUL and lone surrogates arrive; the child replaces lone
surrogates by U+FFFD before it tokenizes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

QuantType = Literal["q8_0", "f16", "bf16", "q4_k_m", "q4_0", "f32"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request line from the parent; the table above lists the operations and their arguments."""

    id: int
    op: str
    args: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply line from the child; `id` is that of the request it belongs to."""

    id: int
    event: Literal["item", "piece", "done", "error"]
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The properties of a loaded GGUF.

    `n_ctx` is the most tokens one sequence may have (prompt and answer together), `n_parallel` how many sequences are
    processed at once, `size` the bytes of tensors. `eog_ids` are all the tokens that end an answer. Ids are -1 where
    the model has no such token. `metadata` holds string values, each truncated to 1000 characters.
    """

    path: str
    arch: str
    description: str
    n_vocab: int
    n_ctx_train: int
    n_ctx: int
    n_parallel: int
    threads: int
    size: int
    n_params: int
    bos_id: int
    eos_id: int
    pad_id: int
    eog_ids: tuple[int, ...]
    add_bos: bool
    has_template: bool
    vocab_only: bool
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class WorkDone:
    """What one batched call took: given tokens decoded, tokens generated, decode calls, and seconds."""

    prompt_tokens: int = 0
    generated_tokens: int = 0
    decodes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StreamStats:
    """Statistics of a streamed answer.

    `tokens` generated (the ending token not counted), milliseconds to the first token, generated tokens per second
    after it, prompt tokens, and how many of these had to be decoded (the rest were kept from the turn before).
    `continued` says that the answer continues the prompt instead of opening with a line break.
    """

    tokens: int
    ms_first_token: float
    tokens_per_s: float
    stop_reason: Literal["eos", "length", "stopped"]
    prompt_tokens: int
    prompt_decoded: int
    continued: bool = False


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A piece of a streamed answer; the last event has empty or final text and carries the `stats`."""

    text: str
    stats: StreamStats | None = None


def encode(message: Request | Reply) -> bytes:
    """Encode one message as a line of ASCII JSON."""
    return json.dumps(asdict(message), ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def decode_request(line: bytes) -> Request:
    """Decode a line the parent wrote; raises ValueError, KeyError or TypeError on anything else."""
    data = json.loads(line)
    return Request(int(data["id"]), str(data["op"]), dict(data["args"]))


def decode_reply(line: bytes) -> Reply:
    """Decode a line the child wrote; raises ValueError, KeyError or TypeError on anything else."""
    data = json.loads(line)
    if data["event"] not in ("item", "piece", "done", "error"):
        raise ValueError(f"unknown event {data['event']!r}")
    return Reply(int(data["id"]), data["event"], dict(data["data"]))
