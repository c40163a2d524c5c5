"""Manifests and hashes: what is written reads back, what is broken is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.ledger.workspace_factory import WorkspaceFactory

from ledger.durable import make_durable
from ledger.errors import LedgerDamaged, LedgerError
from ledger.hashing import canonical_json, sha256_bytes, sha256_file, sha256_text, short_sha, write_durable
from ledger.manifest import describe_files, manifest_path, manifest_sha, read_manifest, read_manifests, write_manifest

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_hashes_are_what_sha256sum_prints(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_bytes(b"abc") == sha256_text("abc") == sha256_file(tmp_path / "abc") == ABC
    assert short_sha(ABC) == "ba7816bf"


def test_canonical_json_is_one_text_for_equal_values() -> None:
    assert canonical_json({"b": 1, "a": [1.5, None, "ü"]}) == '{"a":[1.5,null,"ü"],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"loss": float("nan")})


def test_a_durable_write_replaces_the_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_durable(path, b"one")
    write_durable(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_durable_write_that_cannot_be_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(LedgerError) as caught:
        write_durable(tmp_path / "folder", b"x")
    assert caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_make_durable_takes_files_and_directories_and_says_what_is_missing(tmp_path: Path) -> None:
    write_durable(tmp_path / "a" / "b" / "c", b"x")
    make_durable(tmp_path / "a")
    make_durable(tmp_path / "a" / "b" / "c")
    with pytest.raises(LedgerError) as caught:
        make_durable(tmp_path / "gone")
    assert "gone" in caught.value.where


def test_a_manifest_reads_back_equal_and_hashes_as_its_bytes(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path).grow(2)
    manifest = read_manifest(manifest_path(tmp_path, 1))
    assert write_manifest(tmp_path, manifest) == manifest_sha(manifest_path(tmp_path, 1))
    assert read_manifest(manifest_path(tmp_path, 1)) == manifest
    assert manifest.ledger_row == factory.store.read()[1]
    assert manifest.parent_manifest_sha == manifest_sha(manifest_path(tmp_path, 0))
    assert list(read_manifests(tmp_path)) == [0, 1]


def test_the_described_files_are_the_model_and_all_evidence_but_the_manifest(tmp_path: Path) -> None:
    WorkspaceFactory(tmp_path).grow(1)
    files = describe_files(tmp_path, 0)
    assert sorted(files) == [
        "generations/0/data/holdout.jsonl",
        "generations/0/data/new.jsonl",
        "generations/0/data/train.jsonl",
        "generations/0/delta.safetensors",
        "generations/0/evals.json",
        "generations/0/exam.jsonl",
        "luna_age_0.gguf",
    ]
    for name, facts in files.items():
        data = (tmp_path / name).read_bytes()
        assert facts == {"sha256": sha256_bytes(data), "bytes": len(data)}


@pytest.mark.parametrize(
    "field",
    ["gen", "parent_gen", "verdict", "row", "row_sha", "files", "seed", "extra", "parent_manifest_sha", "scores"],
)
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(LedgerDamaged, match=f"the field {field} is missing"):
        _read_with(tmp_path, lambda raw: raw.pop(field))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gen", "0"),
        ("gen", True),
        ("gen", None),
        ("parent_gen", "base"),
        ("verdict", "fine"),
        ("row", {}),
        ("row", []),
        ("files", []),
        ("files", {"/etc/passwd": {"sha256": ABC, "bytes": 1}}),
        ("files", {"../x": {"sha256": ABC, "bytes": 1}}),
        ("files", {"x": {"sha256": "short", "bytes": 1}}),
        ("files", {"x": {"sha256": ABC}}),
        ("files", {"x": 3}),
        ("verdict_reasons", "none"),
    ],
)
def test_a_field_of_another_kind_is_damage(tmp_path: Path, field: str, value: object) -> None:
    with pytest.raises(LedgerDamaged) as caught:
        _read_with(tmp_path, lambda raw: raw.update({field: value}))
    assert caught.value.where.endswith("manifest.json")
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_damage(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(data)
    with pytest.raises(LedgerDamaged):
        read_manifest(path)


def test_a_missing_manifest_and_one_in_the_wrong_place_are_damage(tmp_path: Path) -> None:
    with pytest.raises(LedgerDamaged):
        read_manifest(tmp_path / "manifest.json")
    with pytest.raises(LedgerDamaged):
        manifest_sha(tmp_path / "manifest.json")
    WorkspaceFactory(tmp_path).grow(1)
    (tmp_path / "generations" / "0").rename(tmp_path / "generations" / "4")
    with pytest.raises(LedgerDamaged, match="G0"):
        read_manifests(tmp_path)


def _read_with(tmp_path: Path, change: Any) -> None:
    WorkspaceFactory(tmp_path).grow(1)
    path = manifest_path(tmp_path, 0)
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))
    read_manifest(path)
