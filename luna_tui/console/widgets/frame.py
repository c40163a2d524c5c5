"""The lines around the panes: state on top, then the tabs, at the bottom what was said last and the keys."""

from __future__ import annotations

import time

from luna_tui.console.render.machine import draw_machine_summary
from luna_tui.console.render.status import draw_keys, draw_notice, draw_status, draw_tabs
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane


class StatusLine(Pane, can_focus=False):
    """What the engine does now, for how long, and how the machine stands."""

    KIND = "frame"

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.name, state.rows, state.head, state.mode, state.stopping, state.run, state.job, state.machine)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        machine = None
        if state.machine is not None and width >= 100:
            machine = draw_machine_summary(state.machine, max(20, width // 4), self.glyphs)
        self.set_lines([draw_status(state, width, self.glyphs, time.time(), machine)])


class NoticeLine(Pane, can_focus=False):
    """What was said last."""

    KIND = "frame"

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.notice, state.warnings, state.rows, state.mode, state.karma)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines([draw_notice(state, width, self.glyphs)])


class KeyLine(Pane, can_focus=False):
    """The keys; those that would be refused are dim."""

    KIND = "frame"

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.mode, state.stopping, state.rows, state.unfinished, state.ui, state.job, state.head)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines(draw_keys(state, width, height, self.glyphs))


class Tabs(Pane, can_focus=False):
    """The panes by number."""

    KIND = "frame"

    active = "lineage"
    shown: tuple[str, ...] = ()

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (self.active, self.shown)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines([draw_tabs(self.active, self.shown, width, self.glyphs)])
