"""The line is lost while it trains: the screen goes, the generation is finished and recorded all the same."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.conftest import Held
from terminal import Terminal, console

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def wait_for(condition: object, what: str, timeout: float = 120.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@contextmanager
def training(held: Held, code: str = "") -> Iterator[Terminal]:
    """The console in the middle of a training that waits there."""
    with console(held.root, command=held.luna(code)) as terminal:
        terminal.see(r"t trains|nothing evolved yet")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(held.in_its_middle, timeout=180)
        yield terminal


def test_a_lost_line_loses_nothing(held: Held) -> None:
    with training(held) as terminal:
        pid = terminal.child.pid
        terminal.hang_up()
        held.go_on()
        ledger = held.root / "models" / "lineage_ledger.csv"
        wait_for(lambda: ledger.exists() and len(ledger.read_text().splitlines()) == 2, "the ledger's row")
        wait_for(lambda: not alive(pid), "the end of the process")
    journal = next(held.root.glob("runs/*/events.jsonl"))
    last = json.loads(journal.read_text().splitlines()[-1])
    assert (last["type"], last["verdict"]) == ("run_finished", "accepted")
    steps = [e["step"] for e in map(json.loads, journal.open()) if e["type"] == "train_step"]
    assert steps == list(range(1, held.steps + 1)), "it went on in the same process, without a second start"


SLOW_LEAVE = """
from luna_tui.console.app import LunaApp
leave = LunaApp.exit
def exit(self, *said): self.set_timer(6, lambda: leave(self, *said))
LunaApp.exit = exit
"""


def test_what_is_still_drawn_into_a_lost_line_holds_nothing_up(held: Held) -> None:
    with training(held, SLOW_LEAVE) as terminal:
        pid = terminal.child.pid
        terminal.hang_up()
        held.go_on()
        try:
            wait_for(lambda: not alive(pid), "the end of the process")
        finally:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
    assert len((held.root / "models" / "lineage_ledger.csv").read_text().splitlines()) == 2
