"""The loss pane: legend, chart and the numbers of the last step, at the sizes people have."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from engine.core.events import TrainStep
from luna_tui.common.loss_curve import Curve
from luna_tui.common.terminal import ASCII, UNICODE, Glyphs
from luna_tui.console.render.loss_pane import LossView, draw_loss_pane


def curve_of(steps: int, shift: float = 0.0) -> Curve:
    curve = Curve()
    for step in range(1, steps + 1):
        loss = 2.0 * math.exp(-step / 60) + 0.35 + shift
        curve = curve.add(step, loss + 0.01, loss, 1.4e-3, 0.82, 412.0)
    return curve


def train_step(stage: str = "conversations", eta_s: float = 72.0) -> TrainStep:
    return TrainStep(
        run="r", seq=1, mono=0.0, wall=0.0, step=212, total=350, loss=0.4, lr=1.4e-3, grad_norm=0.82, tokens=100,
        tokens_per_s=412.0, stage=stage, epoch=0.5, eta_s=eta_s,
    )  # fmt: skip


RUNNING = LossView("G4", curve_of(212), curve_of(350, 0.2), "G3", train_step(), 350, None, False, True, True)


def pane(view: LossView, width: int = 80, height: int = 20, glyphs: Glyphs = UNICODE) -> str:
    return "\n".join(line.plain for line in draw_loss_pane(view, width, height, glyphs))


@pytest.mark.parametrize("size", [(80, 20), (76, 14), (200, 50)])
def test_everything_is_told_where_there_is_room(size: tuple[int, int]) -> None:
    text = pane(RUNNING, *size)
    for words in ("G4", "smoothed", "raw", "G3, the parent", "best 0.408 @ 212", "loss 0.418 (smoothed 0.408)",
                  "step 212/350", "1m 12s left", "lr 1.4e-3", "grad 0.82", "412 tok/s", "feeding conversations",
                  "▄▄▄▄"):  # fmt: skip
        assert words in text


def test_a_narrow_pane_keeps_what_matters_most_and_cuts_no_word() -> None:
    text = pane(RUNNING, 40, 8)
    lines = text.splitlines()
    assert len(lines) == 8
    assert lines[-2].strip() == "loss 0.418 (smoothed 0.408)"
    assert lines[-1].split() == ["lr", "1.4e-3", "grad", "0.82", "412", "tok/s"]
    assert "┤" in text


def test_a_low_pane_gives_its_lines_to_the_chart() -> None:
    assert "loss" not in pane(RUNNING, 60, 4)
    assert "lr" not in pane(RUNNING, 60, 7)


def test_a_finished_run_has_nothing_left_to_feed() -> None:
    text = pane(replace(RUNNING, running=False))
    assert "left" not in text
    assert "feeding" not in text
    assert "loss 0.418" in text


def test_log_scale_and_window_are_said() -> None:
    text = pane(replace(RUNNING, log_scale=True, window=(100, 200)))
    assert "log scale" in text
    assert "steps 100–200" in text


def test_without_a_curve_it_says_what_it_is_waiting_for() -> None:
    empty = replace(RUNNING, curve=Curve(), ghost=None, step=None)
    assert "G4: waiting for the first training step" in pane(empty)
    assert "no loss curve of G4 here" in pane(replace(empty, running=False))
    assert "no training yet: t trains the next generation" in pane(replace(empty, title="", running=False))


def test_before_the_first_step_the_parents_curve_is_there_to_beat() -> None:
    text = pane(replace(RUNNING, curve=Curve(), step=None))
    assert "G3, the parent" in text
    assert "┤" in text
    assert "loss" not in text


def test_losses_that_are_no_numbers_are_called_out() -> None:
    curve = RUNNING.curve.add(213, math.nan, 0.4, 1e-3, math.inf, 400.0)
    lines = draw_loss_pane(replace(RUNNING, curve=curve), 120, 20, UNICODE)
    assert "1 loss not a number" in lines[0].plain
    assert any(span.style == "bad" for span in lines[0].spans)
    assert any(span.style == "bad" for span in lines[-2].spans)


def test_names_from_files_cannot_steer_the_terminal() -> None:
    view = replace(RUNNING, title="\x1b[31mG4", ghost_name="G3\x1b]0;x\x07", step=train_step("a\nb\x1b[2J"))
    text = pane(view, 160)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) == 20


def test_ascii_is_ascii() -> None:
    text = pane(replace(RUNNING, step=train_step("général")), 120, 20, ASCII)
    assert text.isascii()
    assert "o best" in text


@settings(deadline=None)
@given(
    st.integers(0, 210),
    st.integers(0, 60),
    st.lists(st.tuples(st.floats(), st.floats(), st.floats(), st.floats(), st.floats()), max_size=12),
    st.text(max_size=40),
    st.floats(),
    st.booleans(),
)
def test_any_run_fits_any_pane(
    width: int,
    height: int,
    steps: list[tuple[float, float, float, float, float]],
    name: str,
    eta_s: float,
    plain: bool,
) -> None:
    curve = Curve()
    for step, numbers in enumerate(steps, start=1):
        curve = curve.add(step, *numbers)
    view = replace(RUNNING, title=name, ghost_name=name, curve=curve, step=train_step(name, eta_s))
    lines = draw_loss_pane(view, width, height, ASCII if plain else UNICODE)
    assert len(lines) == height
    assert all(isinstance(line, Text) and line.cell_len <= width for line in lines)
    assert all("\n" not in line.plain for line in lines)
