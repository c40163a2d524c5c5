"""The loss pane: the current run, or the one that made the selected generation."""

from __future__ import annotations

from luna_tui.common.loss_curve import Curve
from luna_tui.console.render.loss_pane import LossView, draw_loss_pane
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane


class LossPanel(Pane):
    """Shows raw and smoothed loss, the parent's curve behind it, and the numbers of the last step."""

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.curve, state.curves, state.run, state.ui, state.mode, state.by_gen)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines(draw_loss_pane(loss_view(state), width, height, self.glyphs))


def shows_live_run(state: ConsoleState) -> bool:
    """Return whether the loss pane shows the latest run: while it trains, and after it until another generation is
    selected.
    """
    run = state.run
    if run.run is None or run.started is None:
        return False
    return state.training or state.ui.selected == run.gen or state.ui.followed


def loss_view(state: ConsoleState) -> LossView:
    """Return the loss pane's contents from the console's state."""
    if shows_live_run(state):
        run = state.run
        gen, started = run.gen, run.started
        parent = started.parent_gen if started else None
        total = run.train.total if run.train else started.steps if started else 0
        curve, step, running = state.curve, run.train, state.training
    else:
        gen = state.ui.selected
        row = state.row(gen) or {}
        parent = row.get("parent_gen")
        curve = (state.curves.get(gen) if gen is not None else None) or Curve()
        total, step, running = curve.total or int(row.get("steps") or 0), None, False
    ghost = state.curves.get(parent) if parent is not None else None
    return LossView(
        title=f"G{gen}" if gen is not None else "",
        curve=curve,
        ghost=ghost,
        ghost_name=f"G{parent}" if ghost is not None else "",
        step=step,
        total=total,
        window=state.ui.window,
        log_scale=state.ui.log_scale,
        show_raw=state.ui.show_raw,
        running=running,
    )


def moved_window(window: tuple[int, int] | None, last: int, factor: float, move: int) -> tuple[int, int] | None:
    """Return a window of steps scaled by `factor` and moved by quarters of itself; None when it is the whole run."""
    start, end = window or (0, last)
    width = max(10, round((end - start) * factor))
    if width >= last:
        return None
    middle = (start + end) / 2 + move * width / 4
    start = min(max(0, round(middle - width / 2)), last - width)
    return (start, start + width)
