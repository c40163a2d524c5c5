"""Validate a GGUF header without trusting the file: bounded, pure Python, before any other reader opens it.

The `gguf` package's reader hangs on a crafted 43-byte file and llama.cpp aborts its process on some broken ones, so a
file that luna did not make is checked here first. Every count and length is compared with what the file can still hold
before it is used: the work is bounded by the file's size and by the limits below.

Layout (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), little endian:
`"GGUF" version:u32 tensor_count:u64 kv_count:u64 {key type:u32 value}* {name n_dims:u32 dims:u64* type:u32 offset:u64}*
padding tensor_data`, strings as `length:u64 bytes`, arrays as `type:u32 count:u64 values`.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from engine.core.errors import Damaged, UsageError

Scalar = int | float | bool | str

MAX_KEY_BYTES = 65_535  # the format's own limit
MAX_KEPT_STRING = 4_096  # longer values (a chat template) are truncated: the header is checked, not copied
MAX_KV = 65_536
MAX_TENSORS = 1_000_000
MAX_STRINGS = 16_000_000  # the largest vocabularies have 0.3 million tokens
MAX_ALIGNMENT = 1 << 20

_STRING, _ARRAY = 8, 9
# value type -> struct format
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
# values in a block -> {ggml tensor type: bytes of a block}; a type that is not here has only its offset checked
_BYTES = {
    1: {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2},
    32: {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 9: 40, 20: 18, 39: 17},
    64: {40: 36, 42: 18},
    128: {41: 18},
    256: {
        10: 84,
        11: 110,
        12: 144,
        13: 176,
        14: 210,
        15: 292,
        16: 66,
        17: 74,
        18: 98,
        19: 50,
        21: 110,
        22: 82,
        23: 136,
        29: 56,
        34: 54,
        35: 66,
    },
}
_BLOCKS = {kind: (values, size) for values, sizes in _BYTES.items() for kind, size in sizes.items()}


@dataclass(frozen=True, slots=True)
class GGUFHeader:
    """The header of a GGUF.

    `metadata` holds the scalar and string values (strings truncated to 4096 characters), `arrays` the number of
    elements of each array key, `bytes` the file's size.
    """

    version: int
    tensor_count: int
    kv_count: int
    architecture: str
    bytes: int
    metadata: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    arrays: dict[str, int] = field(default_factory=dict[str, int])


def check_gguf(path: Path | str) -> GGUFHeader:
    """Parse a GGUF's header and check that every tensor lies inside the file; tensor data is never read.

    Raises UsageError for a file that is missing, unreadable, empty, not a GGUF or of another version or byte order;
    Damaged for one that is truncated or contradicts itself.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _Reader(file, os.fstat(file.fileno()).st_size, str(path)).header()
    except FileNotFoundError:
        raise UsageError("there is no such GGUF file", where=str(path), hint="check the path") from None
    except OSError as error:
        raise UsageError(f"the GGUF cannot be read: {error.strerror}", where=str(path)) from error


class _Reader:
    """A cursor over the file that refuses to read past its end."""

    def __init__(self, file: BinaryIO, size: int, where: str) -> None:
        self.file = file
        self.size = size
        self.where = where
        self.at = 0

    def header(self) -> GGUFHeader:
        version, tensor_count, kv_count = self._preamble()
        metadata: dict[str, Scalar] = {}
        arrays: dict[str, int] = {}
        for _ in range(kv_count):
            key = self.string(MAX_KEY_BYTES, "a metadata key")
            if key in metadata or key in arrays:
                raise self.damaged(f"metadata key {key[:80]!r} appears twice")
            kind = self.number("<I")
            if kind == _ARRAY:
                arrays[key] = self.skip_array(key)
            elif kind == _STRING:
                metadata[key] = self.string(None, key, keep=MAX_KEPT_STRING)
            else:
                metadata[key] = self.scalar(kind, key)
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
            raise self.damaged(f"general.alignment is {alignment!r}, not a power of two up to {MAX_ALIGNMENT}")
        self._check_tensors(tensor_count, alignment)
        architecture = metadata.get("general.architecture", "")
        if not isinstance(architecture, str) or not architecture:
            raise self.damaged("the metadata names no general.architecture")
        return GGUFHeader(version, tensor_count, kv_count, architecture, self.size, metadata, arrays)

    def _preamble(self) -> tuple[int, int, int]:
        if self.size == 0:
            raise UsageError("the GGUF file is empty", where=self.where, hint="copy or download it again")
        magic = self.file.read(4)
        if magic != b"GGUF"[: len(magic)]:
            raise UsageError(
                f"this is not a GGUF file (it begins with {magic!r})",
                where=self.where,
                hint="give the path of a .gguf model file",
            )
        self.at = len(magic)
        if self.at < 4:
            raise self.truncated(4)
        version = int(self.number("<I"))
        if version in (0x0200_0000, 0x0300_0000):
            raise UsageError("this GGUF is big-endian", where=self.where, hint="convert it to little endian")
        if version not in (2, 3):
            raise UsageError(f"GGUF version {version} is not supported", where=self.where, hint="use version 2 or 3")
        tensor_count, kv_count = int(self.number("<Q")), int(self.number("<Q"))
        # The shortest entry: an empty key, a type and one byte; an empty name, no dimensions, a type and an offset.
        if kv_count > MAX_KV or tensor_count > MAX_TENSORS or kv_count * 13 + tensor_count * 24 > self.size - self.at:
            raise self.damaged(
                f"it claims {kv_count} metadata keys and {tensor_count} tensors, more than {self.size} bytes can hold"
            )
        return version, tensor_count, kv_count

    def _check_tensors(self, count: int, alignment: int) -> None:
        names: set[str] = set()
        ends: list[tuple[str, int, int]] = []
        for _ in range(count):
            name = self.string(MAX_KEY_BYTES, "a tensor name")
            if name in names:
                raise self.damaged(f"tensor {name[:80]!r} appears twice")
            names.add(name)
            n_dims = int(self.number("<I"))
            if n_dims > 4:
                raise self.damaged(f"tensor {name[:80]!r} has {n_dims} dimensions, more than 4")
            dims = [int(self.number("<Q")) for _ in range(n_dims)]
            kind, offset = int(self.number("<I")), int(self.number("<Q"))
            if offset % alignment:
                raise self.damaged(f"tensor {name[:80]!r} begins at {offset}, not on a multiple of {alignment}")
            ends.append((name, offset, self._tensor_bytes(name, dims, kind)))
        start = -(-self.at // alignment) * alignment
        for name, offset, length in ends:
            if start + offset + length > self.size:
                raise self.truncated(start + offset + length, f"tensor {name[:80]!r}")

    def _tensor_bytes(self, name: str, dims: list[int], kind: int) -> int:
        values = 1
        for dim in dims:
            values *= dim
        per_block, block_bytes = _BLOCKS.get(kind, (1, 0))
        if dims and dims[0] % per_block:
            raise self.damaged(f"tensor {name[:80]!r}: rows of {dims[0]} values do not fill blocks of {per_block}")
        return values // per_block * block_bytes

    def skip_array(self, key: str) -> int:
        kind, count = int(self.number("<I")), int(self.number("<Q"))
        if kind == _STRING:
            if count > MAX_STRINGS or count * 8 > self.size - self.at:
                raise self.damaged(f"{key[:80]!r} claims {count} strings, more than the file can hold")
            for _ in range(count):
                self.skip(int(self.number("<Q")), key)
        elif kind in _SCALARS:
            self.skip(count * struct.calcsize(_SCALARS[kind]), key)
        else:
            raise self.damaged(f"{key[:80]!r} is an array of unknown type {kind}")
        return count

    def scalar(self, kind: int | float, key: str) -> Scalar:
        if kind not in _SCALARS:
            raise self.damaged(f"{key[:80]!r} has unknown value type {kind}")
        return self.number(_SCALARS[int(kind)])

    def number(self, form: str) -> int | float:
        length = struct.calcsize(form)
        data = self.file.read(length)
        if len(data) < length:
            raise self.truncated(self.at + length)
        self.at += length
        return struct.unpack(form, data)[0]

    def string(self, limit: int | None, what: str, keep: int | None = None) -> str:
        length = int(self.number("<Q"))
        if limit is not None and length > limit:
            raise self.damaged(f"{what} claims {length} bytes, more than {limit}")
        if length > self.size - self.at:
            raise self.truncated(self.at + length, what[:80])
        # UTF-8 takes at most four bytes a character.
        kept = length if keep is None else min(length, keep * 4)
        data = self.file.read(kept)
        if len(data) < kept:
            raise self.truncated(self.at + length, what[:80])
        self.at += kept
        self.skip(length - kept, what)
        return data.decode("utf-8", "replace")[:keep]

    def skip(self, length: int, what: str) -> None:
        if length > self.size - self.at:
            raise self.truncated(self.at + length, what[:80])
        # A short read stays inside the buffer; only a long stretch is worth a system call.
        if length <= 4096:
            self.file.read(length)
        else:
            self.file.seek(length, os.SEEK_CUR)
        self.at += length

    def truncated(self, needed: int, what: str = "") -> Damaged:
        reason = f" ({what} needs {needed} bytes)" if what else ""
        return Damaged(
            f"the GGUF is truncated at byte {self.size}{reason}",
            where=self.where,
            hint="copy or download it again, or rebuild it from its delta",
        )

    def damaged(self, problem: str) -> Damaged:
        return Damaged(f"the GGUF is damaged: {problem}", where=self.where, hint="copy or download it again")
