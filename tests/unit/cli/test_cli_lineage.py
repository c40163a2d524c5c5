"""The lineage: the tree, its width, its JSON."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.cli.cli_fakes import FakeEngine, branched_rows, row
from unit.cli.conftest import Run, Spawn

from luna_tui.cli.tables.lineage import print_lineage
from luna_tui.common.terminal import ASCII, UNICODE, LunaConsole
from luna_tui.common.tree_layout import clip, tree_lines


def drawn(rows: list[dict[str, Any]], head: int | None, glyphs: Any = UNICODE) -> list[str]:
    return [
        f"{line.drawing}{'base' if line.gen is None else f'G{line.gen}'}" for line in tree_lines(rows, head, glyphs)
    ]


def test_the_way_to_head_is_straight_and_attempts_hang_off() -> None:
    assert drawn(branched_rows(), 4) == ["base", "G0", "G1", "├─G2", "├─G3", "│ G5", "G4", "└─G6"]


def test_ascii() -> None:
    assert drawn(branched_rows(), 4, ASCII) == ["base", "G0", "G1", "|-G2", "|-G3", "| G5", "G4", "`-G6"]


def test_without_head_the_longest_living_line_is_straight() -> None:
    assert drawn(branched_rows(), None)[3:] == ["├─G2", "├─G4", "│ └─G6", "G3", "G5"]


def test_a_rejected_first_generation_is_a_branch_of_the_base() -> None:
    assert drawn([row(0, None, False, "rejected"), row(1, None, True, "accepted")], 1) == ["base", "├─G0", "G1"]


def test_a_long_line_stays_narrow() -> None:
    rows = [row(gen, gen - 1 if gen else None, gen == 2999, "accepted") for gen in range(3000)]
    lines = tree_lines(rows, 2999, UNICODE)
    assert len(lines) == 3001
    assert {line.drawing for line in lines} == {""}


@given(st.lists(st.integers(0, 1000), max_size=40), st.integers(0, 60))
def test_every_generation_is_drawn_once_below_its_parent(choices: list[int], head: int) -> None:
    rows = []
    for gen, choice in enumerate(choices):
        parent = choice % (gen + 1) - 1
        rows.append(row(gen, None if parent < 0 else parent, gen == head, "rejected" if choice % 3 else "accepted"))
    lines = tree_lines(rows, head if head < len(rows) else None, UNICODE)
    place = {line.gen: number for number, line in enumerate(lines)}
    assert sorted(gen for gen in place if gen is not None) == list(range(len(rows)))
    for line in rows:
        assert place[line["parent_gen"]] < place[line["GEN_ID"]]


def test_a_deep_drawing_is_cut_in_its_middle() -> None:
    cut = clip("│ " * 30 + "├─", 24, UNICODE)
    assert len(cut) <= 24
    assert cut.endswith("├─")
    assert "…" in cut


@pytest.mark.parametrize("columns", [80, 120])
def test_it_fits_the_screen(columns: int) -> None:
    console = LunaConsole(StringIO(), width=columns)
    print_lineage(console, branched_rows(), 4, {"recall": 0.9, "generalization": 0.85, "drift": 0.2})
    lines = console.file.getvalue().splitlines()  # pyright: ignore[reportAttributeAccessIssue]
    assert max(map(len, lines)) <= columns
    head = next(line for line in lines if "HEAD" in line)
    assert "04040404" in head
    assert "0.98" in head
    assert "…" not in "".join(lines)


def test_text_of_the_ledger_is_shown_safely(run: Run, workspace: Path) -> None:
    engine = FakeEngine()
    engine.rows = [{**row(0, None, True, "accepted"), "phase": "\x1b[2Jbase", "base": "[red]evil[/red]\u202e"}]
    out = run("-w", workspace, "lineage", engine=engine).out
    assert "\x1b[2J" not in out
    assert "␛[2Jbase" in out
    assert "[red]evil[/red]<U+202E>" in out


def test_json_of_a_hand_written_ledger(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "lineage", "--json")
    rows = json.loads(result.out)
    assert result.err == ""
    assert [r["GEN_ID"] for r in rows] == [0, 1, 2]
    assert {"parent_sha", "eval_style_drift", "verdict", "head", "parent_gen", "children"} <= set(rows[0])
    assert rows[1]["parent_gen"] == 0
    assert rows[0]["children"] == [1]


def test_a_damaged_ledger_is_exit_4(run: Run, workspace: Path) -> None:
    path = workspace / "models" / "lineage_ledger.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    result = run("-w", workspace, "lineage")
    assert result.code == 4
    assert result.out == ""
    assert "duplicate" in result.err.lower()


def test_a_linux_console_gets_ascii(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_accepted", "-w", workspace, "lineage", TERM="linux")
    shown = child.read()
    child.close()
    assert child.exitstatus == 0
    assert "G2" in shown
    assert shown.isascii()


def test_no_color_is_honoured(spawn: Spawn, workspace: Path) -> None:
    coloured = spawn("play_accepted", "-w", workspace, "rollback", "99").read()
    plain = spawn("play_accepted", "-w", workspace, "rollback", "99", NO_COLOR="1").read()
    assert "\x1b[1;31merror" in coloured
    assert "31m" not in plain
