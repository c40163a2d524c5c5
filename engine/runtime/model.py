"""llama.cpp through its C API: one loaded model, one context, one batch. Imported only by the child process.

The context's KV cache is unified: all sequences share its cells, a token may belong to several sequences at once
(that is how candidates share their prompt), and a sequence may use every cell.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from engine.core.errors import RuntimeChildError, UsageError
from engine.runtime.batch import Batch
from engine.runtime.protocol import ModelInfo

Floats = npt.NDArray[np.float32]

# Untyped, since the bindings' annotations name ctypes classes where plain numbers are passed and returned.
c: Any = llama_cpp

MAX_METADATA_CHARS = 1_000
FTYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q8_0": 7, "q4_k_m": 15, "bf16": 32}
# One micro-batch: with more tokens the matrix products gain nothing on a CPU, and attention over a unified cache costs
# in proportion to the square of what is in flight.
BATCH_TOKENS = 512
# Logits of one decode stay below 64 MiB; rows are computed for answers only.
MAX_LOGIT_BYTES = 64 << 20


class Cancelled(Exception):
    """Raised when the parent cancels in the middle of a decode; what the cache then holds is undefined."""


class CancelFlag:
    """A flag that llama.cpp itself checks before every graph node to abort a decode.

    The callback is libc's `strlen` and its argument this two-byte buffer: "" is false, one byte is true. A Python
    callback would take the GIL about a thousand times per decode.
    """

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(2)
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
        self.callback = c.ggml_abort_callback(strlen)

    def set(self, value: bool) -> None:
        self.buffer[0] = b"\x01" if value else b"\x00"

    def __bool__(self) -> bool:
        return self.buffer[0] != b"\x00"


_errors: deque[str] = deque(maxlen=2)


@c.llama_log_callback
def _log(level: int, text: bytes, _user: object) -> None:
    # Warnings (3) and errors (4, GGML_LOG_LEVEL_* of ggml.h); the parent quotes the last lines when this process dies.
    if level in (3, 4):
        line = text.decode("utf-8", "replace")
        if level == 4:
            _errors.append(line.strip())
        sys.stderr.write(line)
        sys.stderr.flush()


def _last_errors() -> str:
    said = "; ".join(_errors)
    _errors.clear()
    return f"it says: {said}" if said else ""


def start() -> None:
    """Initialise the backend and send llama.cpp's warnings and errors to stderr."""
    c.llama_log_set(_log, ctypes.c_void_p(0))
    c.llama_backend_init()


def system() -> dict[str, Any]:
    """Return the llama.cpp build: version of the bindings, the CPU features it uses, whether it can use a GPU."""
    features = c.llama_print_system_info().decode("utf-8", "replace").strip()
    return {"version": c.__version__, "features": features, "gpu": bool(c.llama_supports_gpu_offload())}


def clean(text: str) -> str:
    """Return a text that encodes to UTF-8: surrogate pairs are joined, lone surrogates become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def quantize(src: str, dst: str, ftype: str, threads: int) -> None:
    """Write the GGUF `src` to `dst` with another tensor type; raises RuntimeChildError when llama.cpp cannot."""
    params = c.llama_model_quantize_default_params()
    params.ftype = FTYPES[ftype]
    params.nthread = threads
    params.allow_requantize = True
    if c.llama_model_quantize(os.fsencode(src), os.fsencode(dst), params) != 0:
        raise RuntimeChildError(f"llama.cpp could not quantise it to {ftype}", where=src, hint=_last_errors())


class LlamaModel:
    """A loaded GGUF with its context; with `vocab_only` it can tokenize and nothing else."""

    def __init__(
        self, path: str, *, n_ctx: int, n_parallel: int, threads: int, vocab_only: bool, cancel: CancelFlag
    ) -> None:
        params = c.llama_model_default_params()
        params.vocab_only = vocab_only
        # The AMX path of this llama.cpp loads a tile configuration the compiler has optimised away and dies of SIGSEGV
        # in its first product (llama.cpp issue 20824, pull request 26954), so weights are not repacked where it is on.
        params.use_extra_bufts = "AMX_INT8 = 1" not in system()["features"]
        model = c.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            raise RuntimeChildError("llama.cpp cannot load this GGUF", where=path, hint=_last_errors())
        self.path = path
        self.model = model
        self.context: Any = None
        self.cancel = cancel
        self.vocab = c.llama_model_get_vocab(model)
        self.n_vocab = c.llama_vocab_n_tokens(self.vocab)
        self.eog_ids = frozenset(i for i in range(self.n_vocab) if c.llama_vocab_is_eog(self.vocab, i))
        self.add_bos = bool(c.llama_vocab_get_add_bos(self.vocab))
        self.vocab_only = vocab_only
        self.threads = threads
        self.kept: list[int] = []  # ids that sequence 0 holds after a stream, for the next turn to continue from
        self._pieces: dict[int, bytes] = {}
        n_ctx_train = c.llama_model_n_ctx_train(model)
        self.cells = n_ctx
        self.n_parallel = min(n_parallel, c.llama_max_parallel_sequences())
        self.limit = min(n_ctx, n_ctx_train) if n_ctx_train > 0 else n_ctx
        if not vocab_only:
            self._open_context(path)

    def _open_context(self, path: str) -> None:
        if c.llama_model_has_encoder(self.model) or not c.llama_model_has_decoder(self.model):
            raise UsageError("this model is not a decoder-only language model", where=path, hint="choose another base")
        # A token of several sequences and a partly removed sequence need a cache that remembers every position.
        self.can_share = not (c.llama_model_is_recurrent(self.model) or c.llama_model_is_hybrid(self.model))
        params = c.llama_context_default_params()
        params.n_ctx = self.cells
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_seq_max = self.n_parallel
        params.kv_unified = True
        params.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.n_threads = params.n_threads_batch = self.threads
        params.no_perf = True
        params.abort_callback = self.cancel.callback
        params.abort_callback_data = ctypes.addressof(self.cancel.buffer)
        context = c.llama_init_from_model(self.model, params)
        if not context:
            raise RuntimeChildError(
                f"llama.cpp cannot make a context of {self.cells} tokens for this model",
                where=path,
                hint="ask for a smaller context, or free some memory",
            )
        self.context = context
        self.memory = c.llama_get_memory(context)
        self.batch = Batch(BATCH_TOKENS, self.n_parallel)
        self.max_rows = max(self.n_parallel, min(BATCH_TOKENS, MAX_LOGIT_BYTES // (4 * self.n_vocab)))

    def close(self) -> None:
        """Free the context and the weights; the model cannot be used afterwards."""
        if self.context:
            c.llama_free(self.context)
        c.llama_model_free(self.model)

    def info(self) -> ModelInfo:
        """Return the properties of the model that the parent receives."""
        metadata = self._metadata()
        buffer = ctypes.create_string_buffer(256)
        c.llama_model_desc(self.model, buffer, 256)
        return ModelInfo(
            path=self.path,
            arch=metadata.get("general.architecture", ""),
            description=buffer.value.decode("utf-8", "replace"),
            n_vocab=self.n_vocab,
            n_ctx_train=c.llama_model_n_ctx_train(self.model),
            n_ctx=self.limit,
            n_parallel=self.n_parallel,
            threads=self.threads,
            size=c.llama_model_size(self.model),
            n_params=c.llama_model_n_params(self.model),
            bos_id=c.llama_vocab_bos(self.vocab),
            eos_id=c.llama_vocab_eos(self.vocab),
            pad_id=c.llama_vocab_pad(self.vocab),
            eog_ids=tuple(sorted(self.eog_ids)),
            add_bos=self.add_bos,
            has_template="tokenizer.chat_template" in metadata,
            vocab_only=self.vocab_only,
            metadata=metadata,
        )

    def _metadata(self) -> dict[str, str]:
        found: dict[str, str] = {}
        buffer = ctypes.create_string_buffer(MAX_METADATA_CHARS * 4)
        for i in range(c.llama_model_meta_count(self.model)):
            if c.llama_model_meta_key_by_index(self.model, i, buffer, len(buffer)) < 0:
                continue
            key = buffer.value.decode("utf-8", "replace")
            if c.llama_model_meta_val_str_by_index(self.model, i, buffer, len(buffer)) >= 0:
                found[key] = buffer.value.decode("utf-8", "replace")[:MAX_METADATA_CHARS]
        return found

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> list[int]:
        """Return the token ids of a text, NUL included; lone surrogates become U+FFFD.

        Raises UsageError for a text that is too long to tokenize at once.
        """
        data = clean(text).encode("utf-8")
        room = len(data) + 8
        while True:
            ids = (ctypes.c_int32 * room)()
            count = c.llama_tokenize(self.vocab, data, len(data), ids, room, add_special, parse_special)
            if count >= 0:
                return list(ids[:count])
            if count == -(2**31) or -count <= room:
                raise UsageError("this text is too long to tokenize at once", where=f"{len(data)} bytes")
            room = -count

    def prompt_ids(self, turns: Sequence[str]) -> list[int]:
        """Return the ids of a raw prompt, given as its turns; an empty one becomes one BOS (or EOS) token.

        Turns are tokenized one by one, all but the first with the line break before it (see `probes.base.Prompt`). BOS
        comes first only where the GGUF says so, and EOS is never appended, whatever the GGUF says.
        """
        start_id = c.llama_vocab_bos(self.vocab)
        texts = [turn if at == 0 else "\n" + turn for at, turn in enumerate(turns)]
        ids = [*([start_id] if self.add_bos and start_id >= 0 else []), *chain.from_iterable(map(self.tokenize, texts))]
        if ids:
            return ids
        return [start_id if start_id >= 0 else max(0, c.llama_vocab_eos(self.vocab))]

    def piece(self, token: int) -> bytes:
        """Return the bytes of one token; empty for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            buffer = ctypes.create_string_buffer(64)
            length = c.llama_token_to_piece(self.vocab, token, buffer, 64, 0, False)
            if length < 0:
                buffer = ctypes.create_string_buffer(-length)
                length = c.llama_token_to_piece(self.vocab, token, buffer, -length, 0, False)
            known = self._pieces[token] = buffer.raw[: max(0, length)]
        return known

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of these tokens, white space included, with invalid UTF-8 replaced."""
        return b"".join(map(self.piece, ids)).decode("utf-8", "replace")

    def detokenize(self, ids: Sequence[int]) -> str:
        """Return llama.cpp's own inverse of `tokenize`; raises UsageError for ids outside the vocabulary."""
        if any(not 0 <= i < self.n_vocab for i in ids):
            raise UsageError(f"a token id is outside the vocabulary of {self.n_vocab}", where=str(list(ids)[:8]))
        tokens = (ctypes.c_int32 * max(1, len(ids)))(*ids)
        room = 16 * len(ids) + 16
        while True:
            buffer = ctypes.create_string_buffer(room)
            length = c.llama_detokenize(self.vocab, tokens, len(ids), buffer, room, False, True)
            if length >= 0:
                return buffer.raw[:length].decode("utf-8", "replace")
            room = -length

    def reset(self) -> None:
        """Clear the cache of every sequence, and the batch."""
        c.llama_memory_clear(self.memory, False)
        self.batch.clear()
        self.kept = []

    def forget(self, slot: int, start: int = -1) -> bool:
        """Remove a sequence from position `start` on; return False when this kind of cache cannot remove a part."""
        return bool(c.llama_memory_seq_rm(self.memory, slot, start, -1))

    def decode(self) -> Floats:
        """Run the batch and clear it; return logits [rows wanted, n_vocab], a view valid until the next decode.

        Raises Cancelled when the parent has cancelled, RuntimeChildError when llama.cpp fails.
        """
        rows = self.batch.rows
        status = c.llama_decode(self.context, self.batch.struct())
        self.batch.clear()
        if self.cancel:
            raise Cancelled
        if status != 0:
            raise RuntimeChildError(f"llama.cpp could not decode a batch (status {status})", where=self.path)
        if rows == 0:
            return np.empty((0, self.n_vocab), np.float32)
        logits = c.llama_get_logits(self.context)
        return np.ctypeslib.as_array(logits, shape=(rows, self.n_vocab))
