"""HEAD and its log: every move is there with its reason, and nothing in it can be changed unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.errors import LedgerBadInput, LedgerDamaged
from ledger.hashing import canonical_json, sha256_text
from ledger.head import HeadStore, scan_log

SHA = "0f" * 32


def history(models: Path) -> HeadStore:
    """G0 and G1 accepted, G2 rejected, back to G0."""
    head = HeadStore(models)
    for gen, verdict in ((0, "accepted"), (1, "accepted"), (2, "rejected")):
        head.append("record", gen=gen, reason="trained", manifest_sha=SHA, verdict=verdict)
        if verdict == "accepted":
            head.append("accept", gen=gen, reason="all targets met")
    head.append("rollback", gen=0, reason='the voice was "better"\nthen: "sha":"x",')
    return head


def test_a_new_workspace_stands_on_the_base_and_opening_it_writes_nothing(tmp_path: Path) -> None:
    head = HeadStore(tmp_path)
    assert head.current() is None
    assert head.entries() == []
    assert list(tmp_path.iterdir()) == []


def test_the_log_tells_every_move(tmp_path: Path) -> None:
    head = history(tmp_path)
    told = [(e.seq, e.action, e.gen, e.from_gen, e.to_gen) for e in head.entries()]
    assert told == [
        (0, "record", 0, None, None),
        (1, "accept", 0, None, 0),
        (2, "record", 1, 0, 0),
        (3, "accept", 1, 0, 1),
        (4, "record", 2, 1, 1),
        (5, "rollback", 0, 1, 0),
    ]
    assert head.current() == 0
    assert (tmp_path / "HEAD").read_text() == "G0\n"
    reopened = HeadStore(tmp_path)
    assert reopened.entries() == head.entries()
    assert reopened.current() == 0


def test_each_line_is_canonical_json_chained_to_the_one_before(tmp_path: Path) -> None:
    history(tmp_path)
    previous = "0" * 64
    for line in (tmp_path / "head.log").read_text().splitlines():
        entry = json.loads(line)
        assert line == canonical_json(entry)
        assert entry["prev"] == previous
        assert entry["time"].endswith("Z")
        previous = entry.pop("sha")
        assert previous == sha256_text(canonical_json(entry))


def test_a_rollback_can_go_to_the_base(tmp_path: Path) -> None:
    head = history(tmp_path)
    head.append("rollback", gen=None, reason="start over")
    assert HeadStore(tmp_path).current() is None
    assert (tmp_path / "HEAD").read_text() == "base\n"


def test_collect_and_restore_do_not_move_head(tmp_path: Path) -> None:
    head = history(tmp_path)
    head.append("collect", gen=1, reason="disk")
    head.append("collect", gen=2, reason="disk")
    head.append("restore", gen=2, reason="chat")
    assert head.current() == 0
    assert HeadStore(tmp_path).collected() == {1}


@pytest.mark.parametrize(
    ("action", "gen", "extra"),
    [("merge", 1, {}), ("accept", None, {}), ("collect", None, {}), ("record", 1, {}), ("record", 1, {"verdict": "x"})],
)
def test_an_entry_that_makes_no_sense_is_refused(
    tmp_path: Path, action: str, gen: int | None, extra: dict[str, str]
) -> None:
    with pytest.raises(LedgerBadInput):
        HeadStore(tmp_path).append(action, gen=gen, reason="", **extra)  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "HEAD").exists()


@pytest.mark.parametrize("reason", ["für später", "\ud800 lone", "line\u2028separator", '"}{\\', "\x00\x1b[31m"])
def test_any_reason_can_be_given(tmp_path: Path, reason: str) -> None:
    head = HeadStore(tmp_path)
    head.append("accept", gen=0, reason=reason)
    assert HeadStore(tmp_path).entries() == head.entries()


def test_two_stores_see_each_others_moves(tmp_path: Path) -> None:
    one, other = HeadStore(tmp_path), HeadStore(tmp_path)
    one.append("accept", gen=0, reason="")
    other.append("accept", gen=1, reason="")
    one.append("rollback", gen=0, reason="")
    assert [(e.seq, e.from_gen, e.to_gen) for e in one.entries()] == [(0, None, 0), (1, 0, 1), (2, 1, 0)]
    other.refresh()
    assert other.current() == 0


@pytest.mark.parametrize("left_behind", ["G1\n", None])
def test_a_head_that_a_crash_left_one_move_behind_is_mended(tmp_path: Path, left_behind: str | None) -> None:
    head = HeadStore(tmp_path)
    if left_behind is not None:
        head.append("accept", gen=1, reason="")
    head.append("accept", gen=2, reason="")
    if left_behind is None:
        (tmp_path / "HEAD").unlink()
    else:
        (tmp_path / "HEAD").write_text(left_behind)
    assert HeadStore(tmp_path).current() == 2
    assert (tmp_path / "HEAD").read_text() == "G2\n"


@pytest.mark.parametrize("text", ["G7\n", "G0", "g0\n", "", "base\n", "G00\n", "\xff"])
def test_any_other_disagreement_is_damage_that_says_what_to_write(tmp_path: Path, text: str) -> None:
    history(tmp_path)
    (tmp_path / "HEAD").write_text(text, encoding="latin-1")
    with pytest.raises(LedgerDamaged) as caught:
        HeadStore(tmp_path)
    assert caught.value.where.endswith("HEAD")
    assert "write G0" in caught.value.hint


def test_a_head_without_any_log_is_damage(tmp_path: Path) -> None:
    (tmp_path / "HEAD").write_text("G3\n")
    with pytest.raises(LedgerDamaged):
        HeadStore(tmp_path)


@pytest.mark.parametrize("bits", [0x01, 0x20, 0x80, 0xFF])
def test_every_byte_of_the_log_is_vouched_for(tmp_path: Path, bits: int) -> None:
    history(tmp_path)
    data = (tmp_path / "head.log").read_bytes()
    unseen = [at for at in range(len(data)) if not scan_log(_flipped(data, at, bits)).faults]
    assert unseen == []


def test_a_changed_log_is_refused_with_its_line(tmp_path: Path) -> None:
    history(tmp_path)
    path = tmp_path / "head.log"
    path.write_text(path.read_text().replace("better", "bitter"))
    with pytest.raises(LedgerDamaged) as caught:
        HeadStore(tmp_path)
    assert caught.value.where.endswith("head.log line 6")


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_line_taken_out_is_seen(tmp_path: Path, at: int) -> None:
    history(tmp_path)
    lines = (tmp_path / "head.log").read_bytes().splitlines(keepends=True)
    faults = scan_log(b"".join(lines[:at] + lines[at + 1 :])).faults
    assert [fault.line for fault in faults] == [at + 1]


def test_a_log_cut_off_anywhere_costs_only_its_last_entry(tmp_path: Path) -> None:
    history(tmp_path)
    path = tmp_path / "head.log"
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for cut in range(start + 1, len(whole)):
        path.write_bytes(whole[:cut])
        (tmp_path / "HEAD").write_text("G1\n")
        head = HeadStore(tmp_path)
        survived = cut == len(whole) - 1  # only the line end is lost: the entry's own hash shows that it is whole
        assert len(head.entries()) == (6 if survived else 5)
        assert (head.torn_tail is None) == survived
        head.append("accept", gen=4, reason="next")
        assert [e.action for e in HeadStore(tmp_path).entries()][-1] == "accept"
        assert path.read_bytes().startswith(whole[:cut])
        assert scan_log(path.read_bytes()).faults == ()


def _flipped(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]
