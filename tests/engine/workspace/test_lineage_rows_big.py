"""A long lineage opens from a cache of what its manifests say; the cache must never show what they do not."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_workspace import hand_written

from bench.big_lineage import make_big_lineage
from engine.workspace import manifest_cache
from engine.workspace.layout import Workspace
from engine.workspace.lineage_rows import lineage_outline, lineage_rows
from engine.workspace.manifest_cache import cache_file
from ledger.errors import LedgerDamaged
from ledger.verify import verify

GENERATIONS = 150
FROM_MANIFESTS = ("phase", "created", "reasons", "by_ancestor", "scores", "data")


@pytest.fixture
def big(tmp_path: Path) -> Workspace:
    return Workspace.open(make_big_lineage(tmp_path / "big", GENERATIONS, 7, seed=3))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every manifest that is read for the rows; what was written just now counts as old, so that it is kept."""
    monkeypatch.setattr(manifest_cache, "SETTLED_SECONDS", 0.0)
    read: list[Path] = []

    def watched(path: Path) -> Any:
        read.append(path)
        return original(path)

    original = manifest_cache.read_manifest
    monkeypatch.setattr(manifest_cache, "read_manifest", watched)
    return read


def manifest_of(big: Workspace, gen: int) -> Path:
    return big.generation(gen) / "manifest.json"


def edit(path: Path, old: str, new: str) -> None:
    """Change a file in place, to the same length and with the same modification time."""
    assert len(old) == len(new)
    stat, text = path.stat(), path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_the_real_readers_take_the_synthetic_lineage(big: Workspace) -> None:
    lineage = big.lineage()
    assert len(lineage) == GENERATIONS
    assert [entry.action for entry in big.head.entries()].count("rollback") == 7
    assert any(len(node.children) > 1 for node in lineage.nodes())
    # Nothing is wrong with it but what was left out: the GGUFs and the evidence.
    assert {problem.problem for problem in verify(big.models).problems} == {"is missing"}


def test_the_same_arguments_give_the_same_bytes(big: Workspace, tmp_path: Path) -> None:
    again = make_big_lineage(tmp_path / "again", GENERATIONS, 7, seed=3) / "models" / "head.log"
    assert again.read_bytes() == (big.models / "head.log").read_bytes()


def test_cached_rows_are_the_rows_of_the_manifests(big: Workspace, reads: list[Path]) -> None:
    from_manifests = lineage_rows(big)
    assert len(reads) == GENERATIONS
    from_cache = lineage_rows(big)
    assert len(reads) == GENERATIONS
    assert json.dumps(from_cache) == json.dumps(from_manifests)
    nodes = big.lineage().nodes()
    assert [row["scores"] for row in from_cache] == [node.manifest.scores for node in nodes if node.manifest]
    assert [(r["verdict"], r["parent_gen"]) for r in from_cache] == [(n.verdict, n.parent_gen) for n in nodes]
    assert [tuple(row["children"]) for row in from_cache] == [node.children for node in nodes]


def test_rows_without_scores_are_the_same_rows(big: Workspace, reads: list[Path]) -> None:
    full = lineage_rows(big)
    bare = [{**row, "scores": {}, "by_ancestor": {}} for row in full]
    assert lineage_rows(big, scores=False) == bare
    assert len(reads) == GENERATIONS


def test_a_cache_that_rows_without_scores_wrote_has_the_scores(big: Workspace, reads: list[Path]) -> None:
    assert {str(row["scores"]) for row in lineage_rows(big, scores=False)} == {"{}"}
    full = lineage_rows(big)
    assert len(reads) == GENERATIONS
    assert full[5]["scores"]["recall"]["value"] == full[5]["eval_recall"]


def test_only_the_changed_manifest_is_read_again(big: Workspace, reads: list[Path]) -> None:
    assert lineage_rows(big)[9]["phase"] == "converse"
    reads.clear()
    edit(manifest_of(big, 9), '"phase": "converse",\n "recipe"', '"phase": "CONVERSE",\n "recipe"')
    assert lineage_rows(big)[9]["phase"] == "CONVERSE"
    assert reads == [manifest_of(big, 9)]


def test_a_broken_manifest_is_damage_although_it_was_cached(big: Workspace, reads: list[Path]) -> None:
    lineage_rows(big)
    manifest_of(big, 9).write_text("{")
    with pytest.raises(LedgerDamaged, match="not JSON"):
        lineage_rows(big, scores=False)


def test_a_manifest_that_is_gone_leaves_an_unrecorded_row(big: Workspace, reads: list[Path]) -> None:
    lineage_rows(big)
    manifest_of(big, 9).unlink()
    row = lineage_rows(big)[9]
    assert (row["verdict"], row["phase"], row["scores"]) == ("unrecorded", None, {})


def test_new_generations_are_added_to_the_cache_in_bulk(
    big: Workspace, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage_rows(big)
    before = cache_file(big).read_bytes()
    os.utime(manifest_of(big, 149))
    lineage_rows(big)
    assert cache_file(big).read_bytes() == before
    monkeypatch.setattr(manifest_cache, "READ_EACH_TIME", 0)
    lineage_rows(big, scores=False)
    reads.clear()
    assert lineage_rows(big)[149]["scores"]
    assert reads == []


def test_a_manifest_of_this_moment_is_not_kept(big: Workspace) -> None:
    lineage_rows(big)
    assert not cache_file(big).exists()


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flip(data: bytes) -> bytes:
    return data.replace(b"converse", b"CONVERSE")


def _flip_a_score(data: bytes) -> bytes:
    at = data.rindex(b"0.9")
    return data[:at] + b"0.1" + data[at + 3 :]


def _of_another_shape(data: bytes) -> bytes:
    lines = [b'[[0,"x"]]\n', b"[{}]\n"]
    digests = b" ".join(hashlib.sha256(line).hexdigest().encode() for line in lines)
    return b" ".join(data.split(b" ")[:3]) + b" " + digests + b"\n" + b"".join(lines)


@pytest.mark.parametrize("damage", [_cut, _flip, _flip_a_score, _of_another_shape, lambda _: b"", lambda _: b"\xff\n"])
def test_a_damaged_cache_counts_for_nothing(
    big: Workspace, reads: list[Path], damage: Callable[[bytes], bytes]
) -> None:
    whole = lineage_rows(big)
    cache_file(big).write_bytes(damage(cache_file(big).read_bytes()))
    assert lineage_rows(big) == whole
    reads.clear()
    assert lineage_rows(big) == whole
    assert reads == []  # it was made again


def test_a_cache_that_contradicts_the_log_counts_for_nothing(big: Workspace, reads: list[Path]) -> None:
    whole = lineage_rows(big)
    heading, *lines = cache_file(big).read_bytes().splitlines(keepends=True)
    lines[0] = lines[0].replace(b'"rejected"', b'"accepted"')
    digests = b" ".join(hashlib.sha256(line).hexdigest().encode() for line in lines)
    cache_file(big).write_bytes(b" ".join(heading.split(b" ")[:3]) + b" " + digests + b"\n" + b"".join(lines))
    reads.clear()
    assert lineage_rows(big) == whole
    rejected = [row["GEN_ID"] for row in whole if row["verdict"] == "rejected"]
    assert reads == [manifest_of(big, gen) for gen in rejected]


def test_rows_come_also_where_no_cache_can_be_written(big: Workspace, reads: list[Path]) -> None:
    (big.models / "cache").write_text("in the way")
    assert len(lineage_rows(big)) == GENERATIONS
    assert (big.models / "cache").read_text() == "in the way"


def test_verify_does_not_look_at_the_cache(big: Workspace, reads: list[Path]) -> None:
    lineage_rows(big)
    edit(manifest_of(big, 9), '"seed": 0', '"seed": 7')
    cache_file(big).write_bytes(b"damaged")
    named = {(problem.gen, problem.file) for problem in verify(big.models).problems if problem.problem != "is missing"}
    assert (9, "models/generations/9/manifest.json") in named


def test_the_outline_is_the_rows_without_the_manifests(big: Workspace) -> None:
    big.head.append("collect", gen=3, reason='odd: "to":1,"verdict":"accepted"}')
    big.head.append("collect", gen=4, reason="gc")
    big.head.append("restore", gen=4, reason="asked for")
    big.head.append("rollback", gen=2, reason="back")
    outline, rows = lineage_outline(big), lineage_rows(big)
    empty = {"phase": None, "created": None, "reasons": [], "by_ancestor": {}, "scores": {}, "data": {}}
    assert set(empty) == set(FROM_MANIFESTS)
    assert outline == [{**row, **empty} for row in rows]
    assert [row["GEN_ID"] for row in outline if row["head"]] == [2]
    assert [row["GEN_ID"] for row in outline if row["collected"]] == [3]
    assert {row["verdict"] for row in outline} == {"accepted", "rejected"}


def test_the_outline_reads_no_manifest(big: Workspace) -> None:
    for gen in range(GENERATIONS):
        manifest_of(big, gen).unlink()
    assert len(lineage_outline(big)) == GENERATIONS


def test_the_outline_passes_over_a_torn_end_of_the_log(big: Workspace) -> None:
    whole = lineage_outline(big)
    with (big.models / "head.log").open("ab") as log:
        log.write(b'{"action":"rollback","from":149,"gen":1,"mani')
    assert lineage_outline(big) == whole


def test_the_outline_of_a_hand_written_ledger(big: Workspace, tmp_path: Path) -> None:
    (tmp_path / "hand").mkdir()
    (tmp_path / "hand" / "luna.toml").write_text("")
    workspace = hand_written(
        Workspace.open(tmp_path / "hand"),
        "G0,base_model,aaaa0000,dddd0000,300,2e-4,41.5,2.9,0.4,1.0,0.97,0.0",
        "G1,aaaa0000,bbbb0000,dddd1111,300,2e-4,41.5,,,,,",
    )
    outline = lineage_outline(workspace)
    assert [(row["GEN_ID"], row["parent_gen"], row["verdict"], row["children"]) for row in outline] == [
        (0, None, "", [1]),
        (1, 0, "", []),
    ]
    assert outline[1]["eval_recall"] is None


def test_the_outline_of_a_damaged_ledger_is_damage(big: Workspace) -> None:
    path = big.models / "lineage_ledger.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    with pytest.raises(LedgerDamaged, match="duplicate"):
        lineage_outline(big)
