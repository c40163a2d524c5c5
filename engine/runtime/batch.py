"""The input batch of one decode, in memory that llama.cpp reads. Imported only by the child process."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp
import numpy as np

c: Any = llama_cpp


class Batch:
    """Up to `capacity` tokens, filled through numpy arrays instead of one ctypes store per field."""

    def __init__(self, capacity: int, n_seq_max: int) -> None:
        self.capacity = capacity
        self.token = np.zeros(capacity, np.int32)
        self.pos = np.zeros(capacity, np.int32)
        self.n_seq = np.zeros(capacity, np.int32)
        self.seq = np.zeros((capacity, n_seq_max), np.int32)
        self.wanted = np.zeros(capacity, np.int8)
        pointers = (ctypes.POINTER(ctypes.c_int32) * capacity)()
        for i in range(capacity):
            pointers[i] = self.seq[i].ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        self._pointers = pointers
        self.size = 0
        self.rows = 0

    @property
    def room(self) -> int:
        """Return how many more tokens fit."""
        return self.capacity - self.size

    def clear(self) -> None:
        self.size = self.rows = 0

    def add(self, tokens: Sequence[int], pos: int, slots: Sequence[int], wanted: Sequence[bool] | bool) -> None:
        """Append a run of tokens at positions `pos`, `pos + 1`, … that belongs to all sequences in `slots`.

        `wanted` says for which tokens logits are computed; `True` and `False` mean all and none.
        """
        end = self.size + len(tokens)
        run = slice(self.size, end)
        self.token[run] = tokens
        self.pos[run] = np.arange(pos, pos + len(tokens))
        self.n_seq[run] = len(slots)
        self.seq[run, : len(slots)] = slots
        self.wanted[run] = wanted
        self.rows += int(self.wanted[run].sum())
        self.size = end

    def struct(self) -> Any:
        """Return the batch as llama.cpp's struct over the same memory; valid until the next change."""
        batch = c.llama_batch()
        batch.n_tokens = self.size
        for name, array, kind in (
            ("token", self.token, ctypes.c_int32),
            ("pos", self.pos, ctypes.c_int32),
            ("n_seq_id", self.n_seq, ctypes.c_int32),
            ("logits", self.wanted, ctypes.c_int8),
        ):
            setattr(batch, name, array.ctypes.data_as(ctypes.POINTER(kind)))
        batch.seq_id = ctypes.cast(self._pointers, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)))
        return batch
