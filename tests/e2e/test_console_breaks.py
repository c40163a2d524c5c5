"""A defect in the console itself: what it must not take with it is the run behind the screen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from e2e.conftest import Held
from terminal import Terminal, console, console_env

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

BROKEN_PANE = """
from luna_tui.console.widgets.machine_panel import MachinePanel
def draw(self, *_): raise RuntimeError("no such sensor")
MachinePanel.draw = draw
"""
BROKEN_KEY = """
from luna_tui.console.app import LunaApp
def go(self, pane): raise RuntimeError("no such pane")
LunaApp.action_pane = go
"""
RUN = "\nfrom luna_tui.cli.main import main\nraise SystemExit(main())\n"


def broken(workspace: Path, code: str) -> Terminal:
    command = [sys.executable, "-c", code + RUN, "-w", str(workspace)]
    return Terminal(command, columns=160, lines=48, env=console_env())


def test_a_pane_that_cannot_be_drawn_leaves_the_others_alone(slow_workspace: Path) -> None:
    terminal = broken(slow_workspace, BROKEN_PANE)
    terminal.see(r"could not be")
    terminal.see(r"Lineage")
    terminal.press("q")
    assert terminal.ended() == 0
    log = (slow_workspace / "runs" / "console.log").read_text()
    assert "no such sensor" in log
    assert b"Traceback" not in bytes(terminal.raw)


def test_the_run_outlives_a_console_that_breaks(held: Held) -> None:
    with console(held.root, command=held.luna(BROKEN_KEY), columns=160, lines=48) as terminal:
        terminal.see(r"t trains|nothing evolved yet")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(held.in_its_middle, timeout=180)
        terminal.press("2")
        terminal.see(r"handing over")
        held.go_on()
        assert terminal.ended(timeout=120) == 1
    said = bytes(terminal.raw)
    assert b"the console broke" in said
    assert b"goes on with it" in said
    assert b"Traceback" not in said
    assert "no such pane" in (held.root / "runs" / "console.log").read_text()
    with console(held.root) as again:
        again.see(r"HEAD G0", timeout=180)
        again.press("q")
        assert again.ended() == 0
