"""`matrix`: the heat map in a terminal, what it says in words, what it asks for, and its JSON."""

from __future__ import annotations

import json
import os
import signal
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.cli_matrix import matrix
from unit.cli.conftest import Run

from engine.core.cancellation import Control
from luna_tui.cli.tables.matrix import print_matrix
from luna_tui.common.heat_colors import shade
from luna_tui.common.terminal import LunaConsole


def engine(found: dict[str, Any]) -> FakeEngine:
    fake = FakeEngine()
    fake.matrix = found
    return fake


def shown(found: dict[str, Any], columns: int = 80, **more: Any) -> list[str]:
    console = LunaConsole(StringIO(), width=columns)
    for name, value in more.items():
        setattr(console, name, value)
    print_matrix(console, found, "luna-tui matrix --fill asks for them")
    return console.file.getvalue().splitlines()  # pyright: ignore[reportAttributeAccessIssue]


def test_what_was_recorded_is_shown_and_the_rest_is_offered(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "matrix", engine=engine(matrix(known=False)))
    assert result.code == 0
    lines = result.out.splitlines()
    assert "exam  " in result.out
    assert next(line for line in lines if line.startswith("base")).split() == ["base", *"····"]
    assert next(line for line in lines if line.startswith("G1")).split() == ["G1", ".95", "[.97]", "·", "·"]
    assert "10 cells were not asked yet: luna-tui -w" in " ".join(result.out.split())
    assert "matrix --fill asks for them" in " ".join(result.out.split())
    assert "FWT       ·" in result.out
    assert "(0 of the 3 it needs are known)" in result.out


def test_a_falling_exam_is_told_in_words_with_its_items(run: Run, workspace: Path) -> None:
    out = " ".join(run("-w", workspace, "matrix", engine=engine(matrix())).out.split())
    assert "! the exam of G0 is falling: 0.980 when it was new, 0.890 at G3 (9 of 100 items lost, 0 won)" in out
    assert ".89!" in out, "and marked in the map"
    assert "BWT -0.030 change of the earlier exams" in out
    assert "not asked yet" not in out


def test_fill_asks_only_where_something_is_missing(run: Run, workspace: Path) -> None:
    fake = engine(matrix(known=False))
    result = run("-w", workspace, "matrix", "G2", "--fill", engine=fake)
    assert (result.code, fake.filled) == (0, ["G2"])
    assert "·" not in result.out
    whole = engine(matrix())
    run("-w", workspace, "matrix", "--fill", engine=whole)
    assert whole.filled == []


def test_a_stopped_filling_is_exit_130(run: Run, workspace: Path) -> None:
    class Stopped(FakeEngine):
        def fill_matrix(self, *_: Any, control: Control, **__: Any) -> dict[str, Any]:
            os.kill(os.getpid(), signal.SIGINT)
            deadline = time.monotonic() + 60
            while not control.stopping and time.monotonic() < deadline:  # the main thread hears the signal
                time.sleep(0.002)
            control.check()
            raise AssertionError("the first Ctrl-C stops it in order")

    fake = Stopped()
    fake.matrix = matrix(known=False)
    result = run("-w", workspace, "matrix", "--fill", engine=fake)
    assert (result.code, result.out) == (130, "")


def test_json_is_what_the_engine_returned(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "matrix", "--json", engine=engine(matrix()))
    found = json.loads(result.out)
    assert found == matrix()
    assert found["rows"][4]["cells"][0]["n"] == 100
    assert found["acc"]["needed"] == 4
    assert found["falling"][0]["drop"] == pytest.approx(0.09)
    assert result.err == ""


def test_a_lineage_without_exams_says_so(run: Run, workspace: Path, tmp_path: Path) -> None:
    """The ledger of this workspace was written by hand."""
    result = run("-w", workspace, "matrix", "G2")
    assert (result.code, result.out) == (0, "no generation on the way to G2 has an exam in this workspace\n")
    assert "the base has no exam" in run("-w", workspace, "matrix", "base").out
    empty = make_workspace(tmp_path / "empty")
    assert "no generations yet" in run("-w", empty, "matrix").out
    assert json.loads(run("-w", empty, "matrix", "--json").out)["exams"] == []


def test_an_unknown_generation_is_exit_2(run: Run, workspace: Path) -> None:
    assert run("-w", workspace, "matrix", "G9").code == 2


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_many_exams_are_printed_below_each_other(columns: int) -> None:
    lines = shown(matrix(30), columns)
    assert max(map(len, lines)) <= columns
    headings = " ".join(line for line in lines if line.startswith("exam"))
    assert [word for word in headings.split() if word != "exam"] == [f"G{gen}" for gen in range(30)]


def test_a_cell_never_claims_more_than_it_is() -> None:
    found = matrix(1)
    cell = found["rows"][1]["cells"][0]
    for value, text in ((1.0, "[1.0]"), (0.999, "[.99]"), (0.001, "[.01]"), (0.0, "[.00]")):
        cell["value"] = value
        assert any(text in line for line in shown(found)), value


def test_scores_are_shaded_by_how_high_they_are() -> None:
    assert [shade(value) for value in (0.0, 0.49, 0.5, 0.84, 0.95, 1.0)] == [
        "heat0",
        "heat0",
        "heat1",
        "heat2",
        "heat4",
        "heat4",
    ]


def coloured(**more: Any) -> str:
    console = LunaConsole(StringIO(), width=80)
    console._color_system = more.pop("system", None)  # pyright: ignore[reportPrivateUsage]
    console._force_terminal = True  # pyright: ignore[reportPrivateUsage]
    console.no_color = more.pop("no_color", False)
    print_matrix(console, matrix(), "")
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_colours_where_they_can_be_mixed_and_numbers_everywhere() -> None:
    from rich.console import ColorSystem

    assert "\x1b[38;2;11;16;32;48;2;156;196;255m .97" in coloured(system=ColorSystem.TRUECOLOR)
    plain = coloured(system=ColorSystem.TRUECOLOR, no_color=True)
    assert "48;2" not in plain
    assert ".97" in plain


def test_a_linux_console_gets_ascii() -> None:
    out = shown(matrix(known=False), ascii=True)
    assert all(line.isascii() for line in out)
    assert any(line.split() == ["base", *"...."] for line in out)
