"""Sparklines: a row of bars that shows where a number has been."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.chart.sparkline import sparkline


def test_rising_values_rise() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8, UNICODE) == "▁▂▃▄▅▆▇█"
    assert sparkline([7, 0], 8, UNICODE) == "█▁"


def test_more_values_than_cells_are_averaged() -> None:
    assert sparkline([0, 0, 8, 8], 2, UNICODE) == "▁█"
    assert sparkline([0, 8, 4, 4], 2, UNICODE) == sparkline([4, 4], 2, UNICODE)


def test_equal_values_are_half_high_and_zeros_lie_on_the_ground() -> None:
    assert sparkline([3.0] * 4, 4, UNICODE) == "▄▄▄▄"
    assert sparkline([0.0] * 4, 4, UNICODE) == "▁▁▁▁"


def test_a_given_range_is_kept_and_what_lies_outside_is_cut() -> None:
    assert sparkline([0.5], 1, UNICODE, low=0.0, high=1.0) == "▅"
    assert sparkline([-9.0, 9.0], 2, UNICODE, low=0.0, high=1.0) == "▁█"


def test_what_is_no_number_is_a_gap() -> None:
    assert sparkline([0.0, math.nan, 1.0], 3, UNICODE) == "▁ █"
    assert sparkline([math.nan, math.inf], 2, UNICODE) == "  "
    assert sparkline([], 5, UNICODE) == ""
    assert sparkline([1.0], 0, UNICODE) == ""


@given(st.lists(st.floats(), max_size=60), st.integers(0, 30), st.floats(), st.floats())
def test_any_numbers_fit_the_width(values: list[float], width: int, low: float, high: float) -> None:
    assert len(sparkline(values, width, UNICODE)) == min(width, len(values))
    shown = sparkline(values, width, ASCII, low=low, high=high)
    assert len(shown) == min(width, len(values))
    assert shown.isascii()
