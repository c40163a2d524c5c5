"""The loss chart: what a person sees of a run at any size."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from luna_tui.common.loss_curve import Curve
from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.chart.loss_chart import draw_chart

STYLES = {"smooth", "raw", "ghost", "dim", "accent", "key"}


def curve_of(losses: list[float], smoothed: list[float] | None = None) -> Curve:
    curve = Curve()
    for step, loss in enumerate(losses, start=1):
        value = smoothed[step - 1] if smoothed else loss
        curve = curve.add(step, loss, value if math.isfinite(value) else None, 2e-4, 0.8, 400.0)
    return curve


def falling(steps: int, start: float = 2.3, end: float = 0.3) -> list[float]:
    return [(start - end) * math.exp(-step / 80) + end for step in range(1, steps + 1)]


def drawn(curve: Curve, ghost: Curve | None = None, **changes: Any) -> list[Text]:
    options: dict[str, Any] = {
        "width": 75, "height": 14, "total": curve.total, "window": None, "log_scale": False, "show_raw": True,
        "glyphs": UNICODE, "ghost_name": "G3",
    }  # fmt: skip
    return draw_chart(curve, ghost, **{**options, **changes})


def text_of(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def ticks(lines: list[Text]) -> list[str]:
    return [line.plain.split("┤")[0] for line in lines if "┤" in line.plain]


def cells(lines: list[Text], style: str) -> dict[tuple[int, int], str]:
    """(column, row) → character, for what is drawn in a style."""
    return {
        (place, row): line.plain[place]
        for row, line in enumerate(lines)
        for span in line.spans
        if span.style == style
        for place in range(span.start, min(span.end, len(line.plain)))
    }


def test_axes_have_round_aligned_ticks_that_differ() -> None:
    lines = drawn(curve_of(falling(300)), total=350)
    labels = ticks(lines)
    assert 3 <= len(labels) <= 5
    assert len(set(labels)) == len(labels)
    assert len({len(label) for label in labels}) == 1
    assert [float(label) for label in labels] == sorted(map(float, labels), reverse=True)
    assert lines[-1].plain.split() == ["step", "0", "50", "100", "150", "200", "250", "300", "350"]
    assert lines[-1].plain.endswith("350")


@pytest.mark.parametrize("losses", [[0.0011, 0.0012, 0.00135], [1e6, 1.1e6, 2e6], [1e-9, 3e-9, 2e-9], [-3.0, 1.0, 2.0]])
@pytest.mark.parametrize("log_scale", [False, True])
def test_tick_labels_can_be_told_apart_at_any_size_of_number(losses: list[float], log_scale: bool) -> None:
    labels = ticks(drawn(curve_of(losses), log_scale=log_scale))
    assert len(set(labels)) == len(labels) >= 2
    assert all(len(label) <= 12 for label in labels)


def test_a_falling_loss_falls_from_the_left_to_where_the_run_is() -> None:
    smooth = cells(drawn(curve_of(falling(150)), total=300, show_raw=False), "smooth")
    columns = sorted({column for column, _ in smooth})
    tops = [min(row for place, row in smooth if place == column) for column in columns]
    assert tops == sorted(tops)
    assert 38 <= columns[-1] <= 42
    assert columns == list(range(columns[0], columns[-1] + 1))


def test_one_spike_does_not_flatten_the_rest() -> None:
    losses = falling(300)
    smoothed = list(losses)
    losses[150] = 400.0
    lines = drawn(curve_of(losses, smoothed))
    assert max(float(label) for label in ticks(lines)) < 4
    assert "▴" in cells(lines, "raw").values()


def test_the_smoothed_curve_is_never_cut() -> None:
    smoothed = falling(300)
    smoothed[150] = 40.0
    lines = drawn(curve_of(smoothed), show_raw=False)
    assert max(float(label) for label in ticks(lines)) >= 30
    assert "▴" not in text_of(lines)
    assert min(row for _, row in cells(lines, "smooth")) <= 2


def test_the_parents_curve_is_dashed_named_and_on_the_same_steps() -> None:
    lines = drawn(curve_of(falling(100)), curve_of(falling(350, 2.8, 0.8)), total=350)
    ghost = cells(lines, "ghost")
    columns = {column for column, _ in ghost}
    assert max(columns) >= 73
    assert set(range(50, 70)) - columns, "a dashed line has gaps"
    assert "G3" in text_of(lines)


@pytest.mark.parametrize("height", range(8, 30))
@pytest.mark.parametrize("width", [60, 75, 200])
def test_the_parents_name_is_written_whole_or_not_at_all(width: int, height: int) -> None:
    parent = [2.0] * 342 + [2.0 - 0.2 * step for step in range(8)]
    lines = drawn(curve_of(falling(350)), curve_of(parent), width=width, height=height)
    assert "".join(mark for mark in cells(lines, "ghost").values() if mark in "G3") in ("", "G3")


def test_a_parent_far_above_leaves_the_run_its_room() -> None:
    lines = drawn(curve_of(falling(300, 0.5, 0.3)), curve_of(falling(300, 50.0, 40.0)))
    assert max(float(label) for label in ticks(lines)) < 2


def test_where_curves_meet_the_run_is_drawn_alone() -> None:
    losses = falling(300)
    lines = drawn(curve_of(losses), curve_of(losses))
    alone = drawn(curve_of(losses), show_raw=False)
    assert cells(lines, "smooth") == cells(alone, "smooth")
    assert not [mark for mark in cells(lines, "ghost").values() if mark not in "G3"]


def test_raw_losses_can_be_left_out() -> None:
    noisy = [loss + (0.2 if step % 2 else -0.2) for step, loss in enumerate(falling(300))]
    curve = curve_of(noisy, falling(300))
    assert cells(drawn(curve), "raw")
    assert not cells(drawn(curve, show_raw=False), "raw")


def test_a_long_run_shows_strokes_from_lowest_to_highest() -> None:
    curve = curve_of([1.0, 3.0] * 5_000, [2.0] * 10_000)
    raw = cells(drawn(curve), "raw")
    rows = {row for _, row in raw}
    assert "⣿" in raw.values()
    assert len(rows) >= 8


def test_a_window_shows_its_steps_only_and_the_line_reaches_both_edges() -> None:
    lines = drawn(curve_of(falling(300)), window=(100, 120))
    smooth = cells(lines, "smooth")
    assert lines[-1].plain.split()[1] == "100"
    assert lines[-1].plain.split()[-1] == "120"
    columns = {column for column, _ in smooth} | {column for column, _ in cells(lines, "accent")}
    assert columns == set(range(min(columns), 75))
    assert min(columns) == lines[0].plain.index("│") + 1


def test_the_best_is_marked_where_it_is() -> None:
    losses = [2.0] * 100 + [1.0] + [2.0] * 100
    lines = drawn(curve_of(losses), show_raw=False)
    [(column, row)] = cells(lines, "accent")
    left = lines[0].plain.index("│" if "│" in lines[0].plain else "┤") + 1
    assert column == pytest.approx(left + 101 / 201 * (75 - left), abs=1)
    assert row >= max(row for _, row in cells(lines, "smooth"))
    assert "◆" not in text_of(drawn(curve_of(losses), window=(0, 50)))


def test_a_log_scale_gives_each_decade_the_same_height() -> None:
    lines = drawn(curve_of([100.0, 10.0, 1.0, 0.1, 0.01]), log_scale=True, height=22)
    rows = [row for row, line in enumerate(lines) if "┤" in line.plain]
    assert [float(label) for label in ticks(lines)] == [100.0, 10.0, 1.0, 0.1, 0.01]
    gaps = [below - above for above, below in pairwise(rows)]
    assert max(gaps) - min(gaps) <= 1


def test_a_log_scale_leaves_out_zero() -> None:
    assert "smooth" in {span.style for line in drawn(curve_of([2.0, 0.0, 1.0]), log_scale=True) for span in line.spans}
    assert "no loss above zero" in text_of(drawn(curve_of([0.0, 0.0]), log_scale=True))


def test_equal_losses_one_point_and_two_points_look_like_what_they_are() -> None:
    flat = drawn(curve_of([0.5] * 100), show_raw=False)
    assert len({row for _, row in cells(flat, "smooth")}) == 1
    assert "0.50" in "".join(ticks(flat))
    one = drawn(curve_of([2.3]), total=300, show_raw=False)
    assert text_of(one).count("◆") == 1
    two = drawn(curve_of([2.3, 1.1]), total=2, show_raw=False)
    assert len({column for column, _ in cells(two, "smooth")}) > 30


def test_before_the_first_training_it_says_which_key_starts_one() -> None:
    lines = drawn(Curve())
    assert len(lines) == 14
    assert lines[6].plain.strip() == "no training yet: t trains the next generation"
    assert list(cells(lines, "key").values()) == ["t"]


def test_a_run_of_nans_and_an_empty_window_say_so() -> None:
    assert "no loss that is a number in 2 steps" in text_of(drawn(curve_of([math.nan, math.inf])))
    assert "between steps 50 and 60" in text_of(drawn(curve_of([1.0, 2.0]), total=100, window=(50, 60)))


def test_losses_that_are_no_numbers_leave_the_scale_alone() -> None:
    losses = falling(100)
    with_nans = [*losses]
    with_nans[40], with_nans[50] = math.nan, math.inf
    assert ticks(drawn(curve_of(with_nans))) == ticks(drawn(curve_of(losses)))


def test_ascii_draws_ascii_in_three_marks() -> None:
    noisy = [loss + (0.3 if step % 2 else -0.3) for step, loss in enumerate(falling(300))]
    lines = drawn(curve_of(noisy, falling(300)), curve_of(falling(300, 3.0, 1.0)), glyphs=ASCII, ghost_name="Gü")
    assert text_of(lines).isascii()
    assert set(cells(lines, "smooth").values()) == {"*"}
    assert "." in cells(lines, "raw").values()
    assert "-" in cells(lines, "ghost").values()


def test_one_more_step_changes_few_lines() -> None:
    losses = falling(200)
    before, after = drawn(curve_of(losses[:195]), total=350), drawn(curve_of(losses), total=350)
    assert (
        0
        < sum(one.plain != other.plain or one.spans != other.spans for one, other in zip(before, after, strict=True))
        < 4
    )


def test_small_charts_leave_out_axes_rather_than_the_curve() -> None:
    curve = curve_of(falling(300))
    assert "step" not in text_of(drawn(curve, height=3))
    assert "┤" not in text_of(drawn(curve, width=15))
    for size in ((15, 3), (1, 1), (20, 4), (40, 6)):
        assert cells(drawn(curve, width=size[0], height=size[1]), "smooth") or size == (1, 1)


ANY_LOSSES = st.lists(st.one_of(st.floats(), st.floats(0, 10), st.just(0.5)), max_size=60)


@pytest.mark.parametrize("width", range(6))
def test_a_step_label_wider_than_the_chart_is_left_out(width: int) -> None:
    lines = drawn(curve_of([0.5], [0.5]), width=width, height=4, total=1000)
    assert all(line.cell_len <= width for line in lines)
    assert ("1000" in lines[-1].plain) == (width >= 4)


@settings(deadline=None)
@given(
    ANY_LOSSES,
    ANY_LOSSES,
    st.one_of(st.none(), ANY_LOSSES),
    st.integers(0, 90),
    st.integers(0, 20),
    st.integers(0, 1000),
    st.one_of(st.none(), st.tuples(st.integers(-10, 100), st.integers(-10, 100))),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_numbers_fit_any_size(
    losses: list[float],
    smoothed: list[float],
    ghost: list[float] | None,
    width: int,
    height: int,
    total: int,
    window: tuple[int, int] | None,
    log_scale: bool,
    show_raw: bool,
    plain: bool,
) -> None:
    curve = curve_of(losses, [*smoothed, *losses][: len(losses)])
    lines = drawn(
        curve,
        curve_of(ghost) if ghost is not None else None,
        width=width,
        height=height,
        total=total,
        window=window,
        log_scale=log_scale,
        show_raw=show_raw,
        glyphs=ASCII if plain else UNICODE,
    )
    assert len(lines) == height
    assert all(line.cell_len <= width for line in lines)
    assert {str(span.style) for line in lines for span in line.spans} <= STYLES
    assert not plain or text_of(lines).isascii()
