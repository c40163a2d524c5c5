"""The machine pane: processor, memory, disk and GPUs with a short history, and warnings about shortages."""

from __future__ import annotations

from rich.text import Text

from luna_tui.console.render.machine import draw_machine_pane
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.pane import Pane


class MachinePanel(Pane):
    """Shows one line per resource, warnings first."""

    def facts(self, state: ConsoleState) -> tuple[object, ...]:
        return (state.machine, state.warnings)

    def draw(self, state: ConsoleState, width: int, height: int) -> None:
        if state.machine is None:
            self.set_lines([Text("measuring", "dim")])
            return
        self.set_lines(draw_machine_pane(state.machine, state.warnings, width, height, self.glyphs))
