"""Read and write GGUF files: metadata entries are copied as raw bytes, never decoded and encoded again.

Layout: see engine.gguf.header, whose check a file must have passed before it is read here. The `gguf` package's own
reader makes an object of every token and merge, which takes seconds where this takes a tenth of one.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import gguf
import numpy as np

from engine.core.errors import UsageError
from engine.gguf.header import GGUFHeader, check_gguf

Array = np.ndarray[Any, Any]

# Other programs obey this flag and append EOS to every raw prompt, after which no model was trained to continue.
ADD_EOS = "tokenizer.ggml.add_eos_token"
_VERSION = 3
_BOOL, _STRING, _ARRAY = 7, 8, 9
_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # scalar value type -> bytes


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a GGUF file: `shape` is outermost dimension first, `data` its bytes as stored."""

    name: str
    shape: tuple[int, ...]
    kind: gguf.GGMLQuantizationType
    data: Array

    def dequantized(self) -> Array:
        """Return the values as an fp32 array of `shape`."""
        if self.kind is gguf.GGMLQuantizationType.F32:
            return self.data.view(np.float32).reshape(self.shape)
        if self.kind is gguf.GGMLQuantizationType.F16:
            return self.data.view(np.float16).reshape(self.shape).astype(np.float32)
        rows = self.data.reshape(*self.shape[:-1], -1)
        return np.ascontiguousarray(gguf.quants.dequantize(rows, self.kind).astype(np.float32))


@dataclass(frozen=True, slots=True)
class GGUFFile:
    """The parsed parts of a GGUF.

    `header` holds the scalar metadata, `entries` each key's raw bytes with key and type, `tensors` the tensors by name.
    """

    header: GGUFHeader
    entries: dict[str, bytes]
    tensors: dict[str, Tensor]

    @property
    def alignment(self) -> int:
        """Return the alignment of tensor data, in bytes."""
        return int(self.header.metadata.get("general.alignment", 32))


def read_gguf(path: Path) -> GGUFFile:
    """Validate and parse the GGUF at `path`; tensor data stays on disk until it is used.

    Raises what `check_gguf` raises, and UsageError for a tensor of unknown type.
    """
    header = check_gguf(path)
    entries: dict[str, bytes] = {}
    infos: list[tuple[str, tuple[int, ...], int, int]] = []
    with path.open("rb") as file:
        file.seek(24)  # magic, version and the two counts
        for _ in range(header.kv_count):
            start = file.tell()
            key = _string(file)
            _skip_value(file, _number(file, "<I"))
            end = file.tell()
            file.seek(start)
            entries[key] = file.read(end - start)
        for _ in range(header.tensor_count):
            name = _string(file)
            dims = [_number(file, "<Q") for _ in range(_number(file, "<I"))]
            infos.append((name, tuple(reversed(dims)), _number(file, "<I"), _number(file, "<Q")))
        ends_at = file.tell()
    alignment = int(header.metadata.get("general.alignment", 32))
    base = -(-ends_at // alignment) * alignment
    mapped = np.memmap(path, mode="r", dtype=np.uint8)
    tensors: dict[str, Tensor] = {}
    for name, shape, number, offset in infos:
        try:
            kind = gguf.GGMLQuantizationType(number)
        except ValueError:
            raise UsageError(f"the tensor {name} is of unknown type {number}", where=str(path)) from None
        per_block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
        size = int(np.prod(shape, dtype=np.int64)) // per_block * block_bytes
        tensors[name] = Tensor(name, shape, kind, mapped[base + offset : base + offset + size])
    return GGUFFile(header, entries, tensors)


def clear_flag(path: Path, key: str) -> None:
    """Set the boolean under `key` in the GGUF at `path` to False, in place; does nothing if it is absent or False."""
    before, after = entry(key, True), entry(key, False)
    if read_gguf(path).entries.get(key) == before:
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
            at = data.find(before)
            data[at : at + len(before)] = after
            data.flush()


def write_gguf(out: Path, entries: Sequence[bytes], tensors: Mapping[str, Array], alignment: int) -> None:
    """Write a GGUF of these raw metadata entries and fp32 tensors, in this order; `alignment` is in bytes."""
    infos: list[bytes] = []
    offset = 0
    for name, array in tensors.items():
        dims = b"".join(struct.pack("<Q", dim) for dim in reversed(array.shape))
        infos.append(_text(name) + struct.pack("<I", array.ndim) + dims + struct.pack("<IQ", 0, offset))
        offset += array.nbytes + -array.nbytes % alignment
    head = b"GGUF" + struct.pack("<IQQ", _VERSION, len(tensors), len(entries)) + b"".join([*entries, *infos])
    with out.open("wb") as file:
        file.write(head + bytes(-len(head) % alignment))
        for array in tensors.values():
            file.write(np.ascontiguousarray(array, dtype="<f4").data)
            file.write(bytes(-array.nbytes % alignment))


def entry(key: str, value: str | int) -> bytes:
    """Return the raw bytes of a metadata entry: a string, a boolean, or an integer as u32."""
    if isinstance(value, bool):
        return _text(key) + struct.pack("<I?", _BOOL, value)
    if isinstance(value, str):
        return _text(key) + struct.pack("<I", _STRING) + _text(value)
    return _text(key) + struct.pack("<II", 4, value)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _string(file: BinaryIO) -> str:
    return file.read(_number(file, "<Q")).decode(errors="replace")


def _number(file: BinaryIO, form: str) -> int:
    return int(struct.unpack(form, file.read(struct.calcsize(form)))[0])


def _skip_value(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        file.seek(_number(file, "<Q"), 1)
    elif kind != _ARRAY:
        file.seek(_BYTES[kind], 1)
    else:
        item, count = _number(file, "<I"), _number(file, "<Q")
        if item != _STRING:
            file.seek(_BYTES[item] * count, 1)
            return
        for _ in range(count):
            file.seek(_number(file, "<Q"), 1)
