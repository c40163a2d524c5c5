"""The heat map in any width, with what is not there, and its figures in words."""

from __future__ import annotations

from typing import Any

import pytest
from unit.cli.cli_matrix import matrix

from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.matrix_page import columns_in, draw_findings, draw_heading, draw_rows, short_score
from luna_tui.console.themes import THEMES, line_styles


def drawn(found: dict[str, Any], width: int = 80, first: int = 0) -> list[str]:
    lines = [*draw_heading(found, width, first, UNICODE), *draw_rows(found, width, first, UNICODE)]
    return [line.plain for line in (*lines, *draw_findings(found, width, UNICODE, "f asks for them"))]


@pytest.mark.parametrize("width", [30, 40, 80, 200])
@pytest.mark.parametrize("gens", [1, 4, 40])
def test_no_line_is_wider_than_the_room(width: int, gens: int) -> None:
    assert max(map(len, drawn(matrix(gens), width))) <= width


def test_a_window_begins_at_any_exam() -> None:
    found = matrix(30)
    assert columns_in(found, 36) == 6
    assert drawn(found, 36, first=10)[0].split() == ["exam", "G10", "G11", "G12", "G13", "G14", "G15"]


def test_a_row_without_its_gguf_has_dashes_and_is_explained() -> None:
    found = matrix(3, known=False)
    found["rows"][1]["can_sit"] = False
    lines = drawn(found)
    assert next(line for line in lines if line.startswith("G0")).split() == ["G0", "[.98]", "–", "–"]
    assert any("there is no GGUF of this row here" in line for line in lines)


def test_one_generation_has_nothing_to_transfer() -> None:
    words = " ".join(" ".join(drawn(matrix(1))).split())
    assert "(there is no earlier exam yet)" in words
    assert "(there is no later exam yet)" in words
    assert "(1 exam)" in words


def test_one_missing_cell_is_one_cell() -> None:
    found = matrix(2) | {"missing": 1}
    assert any("1 cell was not asked yet" in line for line in drawn(found))


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, ".00"), (0.001, ".01"), (0.5, ".50"), (0.957, ".96"), (0.999, ".99"), (1.0, "1.0")]
)
def test_a_score_in_three_cells_never_rounds_to_the_ends(value: float, text: str) -> None:
    assert short_score(value) == text


def test_every_theme_has_every_shade() -> None:
    used = {span.style for line in draw_rows(matrix(), 80, 0, ASCII) for span in line.spans}
    for theme in THEMES:
        assert {f"heat{level}" for level in range(5)} <= line_styles(theme).keys()
        assert used <= line_styles(theme).keys()
