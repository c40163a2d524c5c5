"""The ledger file: hand-written ones are read, damaged ones named by line, torn ones survived."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.ledger.workspace_factory import WorkspaceFactory

from ledger.csv_text import HEADER, scan
from ledger.errors import LedgerBadInput, LedgerDamaged, LedgerError
from ledger.row import LedgerRow
from ledger.store import LedgerStore

HAND = [
    "0,base_model,a1b2c3d4,ffee0001,500,2e-4,42,3.1,1.9,1.0,0.86,0.1",
    "G1,a1b2c3d4,b2c3d4e5,ffee0002,300,2e-4,31,2.0,1.1,0.97,0.9,0.0",
    "2,b2c3,c3d4e5f6,ffee0003,350,.0002,38,1.5,,,,",
]


def store_with(tmp_path: Path, data: bytes) -> LedgerStore:
    (tmp_path / "lineage_ledger.csv").write_bytes(data)
    return LedgerStore(tmp_path)


def row(gen: int, parent: str, child: str | None = None, drift: float | None = 0.05) -> LedgerRow:
    return LedgerRow(gen, parent, child or sha(gen), sha(gen + 1000), 300, 2e-4, 1.5, 2.0, 0.5, 1.0, 0.9, drift)


def sha(number: int) -> str:
    return f"{number:064x}"


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert LedgerStore(tmp_path).read() == []
    assert not (tmp_path / "lineage_ledger.csv").exists()


@pytest.mark.parametrize("data", [b"", b"\n", HEADER.encode(), HEADER.encode() + b"\n", HEADER.encode() + b"\r\n\r\n"])
def test_a_ledger_without_rows(tmp_path: Path, data: bytes) -> None:
    assert store_with(tmp_path, data).read() == []


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "quoted"])
@pytest.mark.parametrize("last_end", [True, False], ids=["ended", "unended"])
@pytest.mark.parametrize("blank", [False, True], ids=["dense", "blank-lines"])
def test_hand_written_ledgers_are_read(
    tmp_path: Path, bom: bytes, end: bytes, quoted: bool, last_end: bool, blank: bool
) -> None:
    lines = [HEADER, *HAND]
    if quoted:
        lines = [",".join(f'"{field}"' for field in line.split(",")) for line in lines]
    gap = end * (2 if blank else 1)
    data = bom + gap.join(line.encode() for line in lines) + (end if last_end else b"")
    store = store_with(tmp_path, data)
    rows = store.read()
    assert [(r.gen_id, r.parent_sha, r.lr) for r in rows] == [
        (0, "base_model", 2e-4),
        (1, "a1b2c3d4", 2e-4),
        (2, "b2c3", 2e-4),
    ]
    assert rows[2].loss_end is None
    assert store.torn_tail is None
    store.append(row(3, "c3d4e5f6"))
    assert [r.gen_id for r in LedgerStore(tmp_path).read()] == [0, 1, 2, 3]
    assert store.path.read_bytes().startswith(data)


WORDS = [
    "0,base_model,abc123,def456,500,2e-4,45,2.3,0.8,0.95,0.87,0.05",
    "1,abc123,ghi789,jkl012,300,2e-4,32,0.8,0.6,0.93,0.91,0.03",
    "2,ghi789,mno345,pqr678,350,2e-4,38,0.6,0.5,0.94,0.89,0.04",
]
"""Ids as a person makes them up: some happen to be hex, most do not."""


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("cell", ["{}", '"{}"', " {} ", ' "{}"'], ids=["bare", "quoted", "spaced", "spaced-quoted"])
@pytest.mark.parametrize("last_end", [True, False], ids=["ended", "unended"])
def test_ids_that_are_words_make_one_line(tmp_path: Path, bom: bytes, end: bytes, cell: str, last_end: bool) -> None:
    lines = [",".join(cell.format(field) for field in line.split(",")) for line in [HEADER, *WORDS]]
    store = store_with(tmp_path, bom + end.join(line.encode() for line in lines) + (end if last_end else b""))
    rows, parents = store.read_linked()
    assert parents == [None, 0, 1]
    assert [row.child_sha for row in rows] == ["abc123", "ghi789", "mno345"]
    assert [row.lr for row in rows] == [2e-4] * 3
    assert store.torn_tail is None


def test_luna_itself_writes_hex_only(tmp_path: Path) -> None:
    store = store_with(tmp_path, "\n".join([HEADER, *WORDS, ""]).encode())
    before = store.path.read_bytes()
    with pytest.raises(LedgerBadInput, match="child_sha is 'stu901'"):
        store.append(row(3, "mno345", "stu901"))
    assert store.path.read_bytes() == before
    store.append(row(3, "mno345"))
    assert store.read_linked()[1] == [None, 0, 1, 2]


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_told_as_that(tmp_path: Path, separator: str, name: str) -> None:
    text = "\n".join([HEADER, *WORDS, ""]).replace(",", separator)
    with pytest.raises(LedgerDamaged) as caught:
        store_with(tmp_path, text.encode()).read()
    assert caught.value.title == f"its columns are separated by {name}"
    assert "commas" in caught.value.hint


@pytest.mark.parametrize("missing", HEADER.split(","))
def test_a_missing_column_is_named_with_its_line(tmp_path: Path, missing: str) -> None:
    header = ",".join(column for column in HEADER.split(",") if column != missing)
    with pytest.raises(LedgerDamaged) as caught:
        store_with(tmp_path, (header + "\n" + HAND[0] + "\n").encode()).read()
    assert f"missing column {missing}" in caught.value.title
    assert "line 1" in caught.value.where
    assert HEADER in caught.value.hint


@pytest.mark.parametrize(
    ("lines", "title", "line"),
    [
        ([HAND[0], HAND[1], HAND[1].replace("G1", "1")], "duplicate GEN_ID 1", 4),
        ([HAND[0], HAND[2]], "the parent of G2 is unknown", 3),
        ([HAND[0], HAND[2], HAND[1]], "the parent of G2 is unknown", 3),
        ([HAND[0], HAND[1] + ",extra"], "13 fields", 3),
        ([HAND[0], "", HAND[1].replace("300", "many")], "steps is 'many'", 4),
        ([HAND[0], HAND[1].replace("0.97", '"0.97')], "CSV", 3),
        ([HAND[0].replace("a1b2", "b2c3"), HAND[1].replace("a1b2", "b2c3"), HAND[2]], "ambiguous", 4),
        (["\x00" + HAND[0]], "GEN_ID", 2),
        ([HAND[0].replace(",500", ",5\r00")], "carriage return", 2),
    ],
)  # fmt: skip
def test_damage_is_named_with_its_line(tmp_path: Path, lines: list[str], title: str, line: int) -> None:
    with pytest.raises(LedgerDamaged) as caught:
        store_with(tmp_path, "\n".join([HEADER, *lines, ""]).encode()).read()
    assert title in caught.value.title
    assert caught.value.where == f"lineage_ledger.csv line {line}"
    assert caught.value.hint


def test_columns_in_another_order_and_foreign_bytes_are_damage(tmp_path: Path) -> None:
    shuffled = ",".join(reversed(HEADER.split(",")))
    with pytest.raises(LedgerDamaged, match="order"):
        store_with(tmp_path, shuffled.encode() + b"\n").read()
    with pytest.raises(LedgerDamaged, match="UTF-8"):
        store_with(tmp_path, HEADER.encode() + b"\n\xff\xfe\n").read()


def test_what_is_appended_is_read_back_and_sits_in_a_plain_csv(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path / "models")
    rows = [row(0, "base_model"), row(1, sha(0)), row(2, sha(0), drift=None)]
    for one in rows:
        store.append(one)
    assert store.read() == rows
    assert store.path.read_text().splitlines() == [HEADER, *(one.to_line() for one in rows)]


def test_a_second_generation_of_the_same_number_or_without_a_parent_is_refused(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path)
    store.append(row(0, "base_model"))
    before = store.path.read_bytes()
    with pytest.raises(LedgerBadInput, match="G0 is already in the ledger"):
        store.append(row(0, sha(0), sha(5)))
    with pytest.raises(LedgerBadInput, match="the parent of G1 is unknown"):
        store.append(row(1, sha(77)))
    assert store.path.read_bytes() == before


def test_a_damaged_ledger_is_not_appended_to(tmp_path: Path) -> None:
    store = store_with(tmp_path, b"nonsense\n")
    with pytest.raises(LedgerDamaged):
        store.append(row(0, "base_model"))
    assert store.path.read_bytes() == b"nonsense\n"


@pytest.mark.parametrize("drift", [0.05, None])
def test_a_write_cut_off_anywhere_costs_only_that_row_and_is_kept_as_evidence(
    tmp_path: Path, drift: float | None
) -> None:
    store = LedgerStore(tmp_path)
    store.append(row(0, "base_model"))
    whole = store.path.read_bytes()
    line = row(1, sha(0), drift=drift).to_line().encode()
    for cut in range(1, len(line) + 1):
        store.path.write_bytes(whole + line[:cut])
        assert [r.gen_id for r in store.read()] == [0]
        assert store.torn_tail == line[:cut].decode()
        store.append(row(1, sha(0), sha(99)))
        assert [(r.gen_id, r.child_sha) for r in store.read()] == [(0, sha(0)), (1, sha(99))]
        assert store.torn_tail is None
        assert store.evidence == (3,)
        assert store.path.read_bytes().startswith(whole + line[:cut])


def test_a_header_cut_off_anywhere_is_an_empty_ledger_that_can_be_appended_to(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path)
    for cut in range(1, len(HEADER)):
        store.path.write_bytes(HEADER[:cut].encode())
        assert store.read() == []
        store.append(row(0, "base_model"))
        assert [r.gen_id for r in store.read()] == [0]


def test_a_repair_cut_off_anywhere_is_repaired_again(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path)
    store.append(row(0, "base_model"))
    torn = store.path.read_bytes() + row(1, sha(0)).to_line().encode()
    repair = b"#torn\n" + row(1, sha(0)).to_line().encode()
    for cut in range(len(repair)):
        store.path.write_bytes(torn + repair[:cut])
        assert [r.gen_id for r in store.read()] == [0]
        store.append(row(1, sha(0)))
        assert [r.gen_id for r in store.read()] == [0, 1]


def test_a_last_row_whose_line_end_an_editor_stripped_is_kept_because_its_manifest_vouches_for_it(
    tmp_path: Path,
) -> None:
    factory = WorkspaceFactory(tmp_path).grow(2)
    whole = factory.store.path.read_bytes()
    factory.store.path.write_bytes(whole[:-1])
    assert [r.gen_id for r in factory.store.read()] == [0, 1]
    assert factory.store.torn_tail is None
    factory.store.path.write_bytes(whole[:-2])
    assert [r.gen_id for r in factory.store.read()] == [0]
    factory.store.path.write_bytes(whole[:-1])
    factory.add()
    assert factory.store.path.read_bytes().startswith(whole)
    assert [r.gen_id for r in factory.store.read()] == [0, 1, 2]


def test_a_ledger_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "lineage_ledger.csv").mkdir()
    with pytest.raises(LedgerError) as caught:
        LedgerStore(tmp_path).read()
    assert "lineage_ledger.csv" in caught.value.where
    with pytest.raises(LedgerError) as caught:
        LedgerStore(tmp_path).append(row(0, "base_model"))
    assert caught.value.hint


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_at_all_make_the_scan_fail(data: bytes, after_header: bool) -> None:
    prefix = (HEADER + "\n" + HAND[0] + "\n").encode() if after_header else b""
    found = scan(prefix + data, "ledger")
    assert len(found.lines) + len(found.faults) <= (prefix + data).count(b"\n") + 1
    # What an append would write first leaves the rows as they are.
    again = scan(prefix + data + found.repair, "ledger")
    assert again.lines == found.lines
    assert again.torn_tail is None
