"""Two processes on one workspace: the second watches the first, asks it to stop, and trains when it is gone."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from e2e.conftest import Held
from terminal import console, console_env, luna

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_watch_steer_and_take_over(slow_workspace: Path) -> None:
    trainer = subprocess.Popen(
        luna(slow_workspace, "train", "--json"), stdout=subprocess.PIPE, text=True, env=console_env()
    )
    try:
        with console(slow_workspace) as terminal:
            first = terminal.see(r"step (\d+)/60000", timeout=90)
            begun = int(first[1])
            terminal.wait(
                lambda: (m := re.search(r"step (\d+)/60000", terminal.text)) and int(m[1]) > begun + 20, "more steps"
            )
            terminal.press("t")
            terminal.see(rf"pid {trainer.pid}")
            terminal.press("s")
            out, _ = trainer.communicate(timeout=90)
            last = json.loads(out.splitlines()[-1])
            assert (last["type"], last["verdict"]) == ("run_finished", "interrupted")
            terminal.see(r"r resume", timeout=30)
            terminal.press("r")
            terminal.see(r"▸ G0 base · step \d+/60000", timeout=180)
            terminal.press("q")
            terminal.see(r"Leave while a run")
            terminal.press("s")
            assert terminal.ended(timeout=90) == 0
    finally:
        if trainer.poll() is None:
            trainer.kill()


def test_handed_over_on_leaving_it_ends_in_the_ledger(held: Held) -> None:
    with console(held.root, command=held.luna()) as terminal:
        terminal.see(r"t trains|nothing evolved yet")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(held.in_its_middle, timeout=180)
        terminal.press("q")
        terminal.see(r"Leave while a run")
        terminal.press("h")
        terminal.see(r"handing over")
        held.go_on()
        assert terminal.ended(timeout=90) == 0
        assert re.search(rb"process \d+ goes on", bytes(terminal.raw))
    with console(held.root) as again:
        again.see(r"HEAD G0", timeout=180)
        again.press("q")
        assert again.ended() == 0
    journal = next(held.root.glob("runs/*/events.jsonl"))
    steps = [e["step"] for e in map(json.loads, journal.open()) if e["type"] == "train_step"]
    assert steps == list(range(1, held.steps + 1)), "no step was lost and none was trained twice"
