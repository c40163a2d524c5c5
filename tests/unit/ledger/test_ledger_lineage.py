"""The tree: branches, ancestors, names of generations, and ledgers of ten thousand rows."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.ledger.workspace_factory import WorkspaceFactory

from ledger.errors import LedgerBadInput, LedgerDamaged
from ledger.hashing import sha256_text
from ledger.lineage import Lineage
from ledger.parents import link_parents
from ledger.row import LedgerRow


def row(gen: int, parent: str, child: str) -> LedgerRow:
    return LedgerRow(gen, parent, child, "d" * 64, 300, 1e-3, 1.0, 2.0, 0.5, 1.0, 0.9, 0.0)


def tree(parents: list[int | None]) -> list[LedgerRow]:
    """Rows with full hashes; element N is the parent of generation N."""
    shas = [sha256_text(f"model {gen}") for gen in range(len(parents))]
    return [
        row(gen, sha256_text("base") if parent is None else shas[parent], shas[gen])
        for gen, parent in enumerate(parents)
    ]


BRANCHED: list[int | None] = [None, 0, 1, 1, 3, None, 5]


def test_a_branched_lineage() -> None:
    lineage = Lineage.build(tree(BRANCHED), 4)
    assert [node.parent_gen for node in lineage.nodes()] == BRANCHED
    assert lineage.roots == (0, 5)
    assert lineage.children(None) == (0, 5)
    assert lineage.children(1) == (2, 3)
    assert lineage.ancestors(4) == [0, 1, 3]
    assert lineage.ancestors(0) == []
    assert [lineage.depth(gen) for gen in range(7)] == [0, 1, 2, 2, 3, 0, 1]
    assert [node.gen for node in lineage.nodes() if node.is_head] == [4]
    assert lineage.parent_gen(5) is None
    assert {node.verdict for node in lineage.nodes()} == {"unrecorded"}
    assert lineage.next_gen_id() == 7
    assert len(lineage) == 7
    assert 6 in lineage
    assert 7 not in lineage


def test_an_empty_lineage() -> None:
    lineage = Lineage.build([])
    assert lineage.nodes() == []
    assert lineage.next_gen_id() == 0
    assert lineage.resolve("HEAD") is None
    with pytest.raises(LedgerBadInput) as caught:
        lineage.resolve("G0")
    assert "luna-tui train" in caught.value.hint


@given(st.lists(st.integers(0, 10**6), max_size=40))
def test_any_tree_is_linked_as_it_was_made(choices: list[int]) -> None:
    parents = [
        None if gen == 0 or choice % (gen + 1) == gen else choice % (gen + 1) for gen, choice in enumerate(choices)
    ]
    lineage = Lineage.build(tree(parents))
    assert [node.parent_gen for node in lineage.nodes()] == parents
    for node in lineage.nodes():
        line = [*lineage.ancestors(node.gen), node.gen]
        assert [lineage.parent_gen(gen) for gen in line] == [None, *line[:-1]]
        assert node.depth == len(line) - 1
        assert all(lineage.parent_gen(child) == node.gen for child in node.children)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=25), st.data())
def test_shortened_hashes_on_either_side_link_the_same(choices: list[int], data: st.DataObject) -> None:
    parents = [None if gen == 0 else choice % gen for gen, choice in enumerate(choices)]
    lengths = st.integers(16, 64)
    rows = [
        replace(one, child_sha=one.child_sha[: data.draw(lengths)], parent_sha=one.parent_sha[: data.draw(lengths)])
        for one in tree(parents)
    ]
    assert link_parents(rows) == parents


def test_the_base_may_be_named_shortened_or_differently_by_the_first_row() -> None:
    rows = [row(0, "beef" * 16, "aaaa1111"), row(1, "beef", "bbbb2222"), row(2, "base_model", "cccc3333")]
    assert link_parents(rows) == [None, None, None]


def test_an_unknown_parent_is_damage_and_a_later_one_is_unknown() -> None:
    with pytest.raises(LedgerDamaged, match="the parent of G1 is unknown"):
        Lineage.build([row(0, "base_model", "aaaa1111"), row(1, "dddd", "bbbb2222"), row(2, "aaaa1111", "dddd4444")])


def test_a_hand_written_short_hash_that_fits_two_prefers_the_whole_then_the_longest() -> None:
    rows = [row(0, "base_model", "aaaa"), row(1, "aaaa", "aaaa11"), row(2, "aaaa", "cccc"), row(3, "aaaa1122", "dddd")]
    assert link_parents(rows) == [None, 0, 0, 1]


def test_equal_models_the_manifest_decides_else_the_nearest_earlier_one(tmp_path: Path) -> None:
    rows = [row(0, "base_model", "aaaa"), row(1, "aaaa", "aaaa"), row(2, "aaaa", "aaaa"), row(3, "aaaa", "bbbb")]
    assert [node.parent_gen for node in Lineage.build(rows).nodes()] == [None, 0, 1, 2]
    assert link_parents(rows, recorded={3: 1}) == [None, 0, 1, 1]
    assert link_parents(rows, recorded={3: 9}) == [None, 0, 1, 2]
    factory = WorkspaceFactory(tmp_path)
    manifest = factory.grow(1).lineage().node(0).manifest
    assert manifest is not None
    assert Lineage.build(rows, manifests={3: replace(manifest, gen=3, parent_gen=0)}).parent_gen(3) == 0


def test_verdicts_come_from_manifests(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path).grow(1)
    factory.add(verdict="rejected")
    factory.add(verdict="stopped")
    assert [node.verdict for node in factory.lineage().nodes()] == ["accepted", "rejected", "stopped"]
    assert factory.lineage().head == 0


def test_the_number_of_a_leftover_is_not_used_again(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path).grow(1)
    steps = factory.steps(1)
    assert [next(steps), next(steps)] == ["artefacts", "manifest"]
    assert factory.lineage().next_gen_id() == 2


@pytest.mark.parametrize("ref", ["3", "G3", "g3", " G3 ", "{sha}", "{sha8}", "{sha4}", "{SHA8}"])
def test_a_generation_has_many_names(ref: str) -> None:
    rows = tree(BRANCHED)
    sha = rows[3].child_sha
    names = {"{sha}": sha, "{sha8}": sha[:8], "{sha4}": sha[:4], "{SHA8}": sha[:8].upper()}
    assert Lineage.build(rows, 4).resolve(names.get(ref, ref)) == 3


@pytest.mark.parametrize(("ref", "gen"), [("HEAD", 4), ("head", 4), ("base", None), ("BASE", None), ("0", 0)])
def test_head_and_base(ref: str, gen: int | None) -> None:
    assert Lineage.build(tree(BRANCHED), 4).resolve(ref) == gen


def test_a_number_beats_a_hash_that_begins_with_it() -> None:
    rows = [row(0, "base_model", "1234aaaa"), row(1234, "1234aaaa", "bbbb2222"), row(1235, "bbbb2222", "5678cccc")]
    lineage = Lineage.build(rows)
    assert lineage.resolve("1234") == 1234
    assert lineage.resolve("1234a") == 0
    assert lineage.resolve("5678") == 1235


def test_a_full_hash_finds_a_row_written_with_a_short_one() -> None:
    assert Lineage.build([row(0, "base_model", "abcd1234")]).resolve("abcd1234" + "0" * 56) == 0


@pytest.mark.parametrize(
    "ref", ["G99", "99", "dead", "deadbeef", "abc", "nonsense", "", "HEAD~1", "G-1", "../etc", "é" * 40]
)
def test_an_unknown_name_is_answered_with_near_ones(ref: str) -> None:
    lineage = Lineage.build(tree(BRANCHED))
    with pytest.raises(LedgerBadInput) as caught:
        lineage.resolve(ref)
    assert ref in caught.value.title
    assert "near it: G" in caught.value.hint


def test_the_nearest_name_is_proposed() -> None:
    rows = tree(BRANCHED)
    with pytest.raises(LedgerBadInput) as caught:
        Lineage.build(rows).resolve(rows[2].child_sha[:7] + "0")
    assert "G2" in caught.value.hint


WORDS = [row(0, "base_model", "abc123"), row(1, "abc123", "ghi789"), row(2, "ghi789", "GHI79-größe")]


@pytest.mark.parametrize(
    ("ref", "gen"),
    [
        ("abc123", 0),
        ("abc1", 0),
        ("ghi789", 1),
        ("GHI789", 1),
        ("ghi79", 2),
        ("ghi79-GRÖSSE", 2),
        ("GHI79-gro\u0308", 2),
    ],
)
def test_a_hand_written_id_is_a_name(ref: str, gen: int) -> None:
    assert Lineage.build(WORDS).resolve(ref) == gen


def test_words_are_parents_only_as_a_whole() -> None:
    """Hashes may be shortened; g1 is not the parent of what came from g10."""
    rows = [row(0, "my-base", "g1"), row(1, "G1", "g10"), row(2, "g10", "g100"), row(3, "MY-base", "x")]
    assert link_parents(rows) == [None, 0, 1, None]
    for parent in ("g1000", "g", "my-base-2", "12"):
        with pytest.raises(LedgerDamaged, match="the parent of G4 is unknown"):
            link_parents([*rows, row(4, parent, "y")])
    with pytest.raises(LedgerDamaged, match="the parent of G2 is unknown"):
        link_parents([row(0, "base", "1"), row(1, "1", "12"), row(2, "123", "4")])


def test_a_word_that_two_begin_with_is_ambiguous() -> None:
    rows = [row(0, "base_model", "nightly"), row(1, "nightly", "nightly-2"), row(2, "nightly-2", "nightly-3")]
    assert Lineage.build(rows).resolve("nightly") == 0
    with pytest.raises(LedgerBadInput, match=r"ambiguous: G1 \(nightly-2\), G2 \(nightly-3\)"):
        Lineage.build(rows).resolve("nightly-")


def test_an_ambiguous_prefix_lists_its_candidates() -> None:
    rows = [row(0, "base_model", "abcd0001"), row(1, "abcd0001", "abcd0002"), row(2, "abcd0002", "ffff")]
    with pytest.raises(LedgerBadInput) as caught:
        Lineage.build(rows).resolve("abcd")
    assert "ambiguous: G0 (abcd0001), G1 (abcd0002)" in caught.value.title
    assert Lineage.build(rows).resolve("abcd0002") == 1


def test_a_node_that_is_not_there_is_bad_input() -> None:
    with pytest.raises(LedgerBadInput, match="G12"):
        Lineage.build(tree(BRANCHED)).node(12)


def big_tree(rows: int, branches: int) -> list[LedgerRow]:
    """A trunk with `branches` side lines that start all along it, in turns as training would write them."""
    tips: list[int | None] = [None] * branches
    parents: list[int | None] = []
    for gen in range(rows):
        branch = gen % branches
        tip = tips[branch]
        parents.append(None if gen == 0 else (gen // 2 if tip is None else tip))
        tips[branch] = gen
    return tree(parents)


@pytest.mark.parametrize("digits", [64, 20], ids=["full", "shortened"])
def test_ten_thousand_rows_and_two_hundred_branches_take_no_time(digits: int) -> None:
    rows = big_tree(10_000, 200)
    rows = [replace(one, parent_sha=one.parent_sha[:digits] if one.gen_id else one.parent_sha) for one in rows]
    Lineage.build(rows[:100])
    best = min(_seconds(rows) for _ in range(3))
    assert best < 0.3


def test_a_line_of_ten_thousand_is_no_deeper_than_memory() -> None:
    lineage = Lineage.build(tree([None, *range(9_999)]))
    assert len(lineage.ancestors(9_999)) == 9_999
    assert lineage.depth(9_999) == 9_999


def _seconds(rows: list[LedgerRow]) -> float:
    started = time.process_time()
    Lineage.build(rows)
    return time.process_time() - started
