"""The lines around the panes: status and tabs at the top, the last notice and the keys at the bottom."""

from __future__ import annotations

import time

from luna_tui.console.render.machine import draw_machine_summary
from luna_tui.console.render.status import draw_keys, draw_notice, draw_status, draw_tabs
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane


class StatusLine(Pane, can_focus=False):
    """Shows what the engine does, for how long, and the state of the machine."""

    KIND = "frame"

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.name, state.rows, state.head, state.mode, state.stopping, state.run, state.job, state.machine)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        machine = None
        if state.machine is not None and width >= 100:
            machine = draw_machine_summary(state.machine, max(20, width // 4), self.glyphs)
        self.set_lines([draw_status(state, width, self.glyphs, time.time(), machine)])


class NoticeLine(Pane, can_focus=False):
    """Shows the last notice, a warning about the machine, or what to do next."""

    KIND = "frame"

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.notice, state.warnings, state.rows, state.mode, state.karma)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines([draw_notice(state, width, self.glyphs)])


class KeyLine(Pane, can_focus=False):
    """Shows the keys; those whose action would be refused are dimmed."""

    KIND = "frame"

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.mode, state.stopping, state.rows, state.unfinished, state.ui, state.job, state.head)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines(draw_keys(state, width, height, self.glyphs))


class Tabs(Pane, can_focus=False):
    """Shows the panes with their number keys."""

    KIND = "frame"

    active = "lineage"
    shown: tuple[str, ...] = ()

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (self.active, self.shown)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        self.set_lines([draw_tabs(self.active, self.shown, width, self.glyphs)])
