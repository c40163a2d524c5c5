"""A person at the console, on a real pty, with real training of the tiny model: from the first key to the last."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from terminal import Terminal, console, console_env, luna

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_train_watch_chat_stop_resume_and_leave(slow_workspace: Path) -> None:
    with console(slow_workspace) as terminal:
        terminal.see(r"nothing evolved yet|t trains")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        first = terminal.see(r"step (\d+)/60000", timeout=180)
        terminal.see(r"loss +\d+\.\d+")
        begun = int(first[1])
        terminal.wait(
            lambda: (m := re.search(r"step (\d+)/60000", terminal.text)) and int(m[1]) > begun + 20, "more steps"
        )

        # Chat with the base while it trains.
        terminal.press("c")
        terminal.press(*"Who wakes the clock?", "enter")
        terminal.see(r"tok/s.*(eos|length)|(eos|length).*tok/s|did not stop")
        terminal.see(r"step \d+/60000")
        terminal.press("escape")

        terminal.press("escape", "1", "s")
        terminal.see(r"G0 interrupted", timeout=90)
        terminal.see(r"r resume")
        journal = next(slow_workspace.glob("runs/*/events.jsonl"))
        stopped_at = max(e["step"] for e in map(json.loads, journal.open()) if e["type"] == "train_step")
        assert 0 < stopped_at < 60000

        terminal.press("r")
        resumed = terminal.see(r"▸ G0 base · step (\d+)/60000", timeout=180)
        assert int(resumed[1]) >= stopped_at - 8

        terminal.press("q")
        terminal.see(r"Leave while a run")
        terminal.press("s")
        assert terminal.ended(timeout=120) == 0
    ends = [e["verdict"] for e in map(json.loads, journal.open()) if e["type"] == "run_finished"]
    assert ends == ["interrupted", "interrupted"]


def test_errors_sent_elsewhere_do_not_take_the_screen_along(slow_workspace: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "errors"
    command = ["sh", "-c", f"exec {shlex.join(luna(slow_workspace))} 2>{shlex.quote(str(elsewhere))}"]
    terminal = Terminal(command, columns=80, lines=24, env=console_env())
    terminal.see(r"\[1 Lineage\]")
    terminal.press("q")
    assert terminal.ended() == 0
    assert elsewhere.read_text() == ""


def test_a_generation_from_the_form_to_the_ledger(slow_workspace: Path) -> None:
    toml = slow_workspace / "luna.toml"
    toml.write_text(toml.read_text().replace("steps = 60000", "steps = 40"))
    with console(slow_workspace, columns=80, lines=24) as terminal:
        terminal.see(r"\[1 Lineage\]")
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(r"G0 accepted", timeout=240)
        terminal.press("1")
        terminal.see(r"HEAD G0")
        terminal.press("q")
        assert terminal.ended() == 0
    assert (slow_workspace / "models" / "luna_age_0.gguf").exists()
