"""Hostile names, rows, logs and model answers in every pane and page: nothing of them steers the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.hostile_engine import FORBIDDEN, PAYLOAD
from terminal import Terminal, console_env
from unit.cli.cli_fakes import make_workspace

pytestmark = pytest.mark.timeout(180)

PAGES: dict[str, tuple[tuple[str, ...], str, str]] = {
    # where: the keys that lead there, what only that page shows, and which of its lines shows the payload made harmless
    "lineage": (("1",), r"\[1 Lineage\]", r"LUNA"),
    "lineage, expanded": (("1", "end", "right"), r"▌└─✗ G1|▌ +└─✗ G1", r"LUNA"),
    "evals": (("3",), r"\[3 Evals\]", r"LUNA"),
    "items": (("1", "end", "i"), r"1-7 filter", r"✗ LUNA"),
    "generation": (("1", "end", "enter"), r"Generation G1", r"G1 LUNA"),
    "config": (("o",), r"─ luna\.toml ─", r"LUNA"),
    "compare": (("1", "end", "space", "up", "space", "="), r"G0 and G1", r"LUNA"),
}
LEAVE = ("items", "generation", "config", "compare")  # pages that cover the dashboard


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Terminal]:
    workspace = make_workspace(tmp_path / "ws\x1b]0;LUNAPWN\x07[@click=app.quit]x", generations=2)
    toml = workspace / "luna.toml"
    toml.write_text(
        toml.read_text() + f"\n# {PAYLOAD.replace(chr(0x1B), '?').replace(chr(7), '?').replace(chr(0x7F), '')}\n"
    )
    code = "from e2e.hostile_engine import run; run()"
    terminal = Terminal(
        [sys.executable, "-c", code, "-w", str(workspace)],
        columns=160,
        lines=48,
        env=console_env(XDG_STATE_HOME=str(tmp_path)),
    )
    yield terminal
    terminal.child.close(force=True)


def assert_harmless(terminal: Terminal) -> None:
    raw = bytes(terminal.raw)
    for forbidden in FORBIDDEN:
        assert forbidden not in raw, f"{forbidden!r} reached the terminal"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_lets_it_through(hostile: Terminal, page: str) -> None:
    keys, only_there, shown = PAGES[page]
    hostile.see(r"\[1 Lineage\]")
    hostile.see(r"G1")
    hostile.press(*keys)
    hostile.see(only_there)
    hostile.see(shown)
    for _ in range(10):
        hostile.pump(0.05)
    assert_harmless(hostile)
    if page in LEAVE:
        hostile.press("escape")
        hostile.see_gone(only_there)
    hostile.press("q")
    assert hostile.ended() == 0
    assert_harmless(hostile)


def test_a_hostile_run_and_a_hostile_answer(hostile: Terminal) -> None:
    hostile.see(r"HEAD")
    hostile.press("t")
    hostile.see(r"(?i)generations")
    hostile.press("enter")
    hostile.see(r"step 19/50")
    hostile.press("w")
    hostile.see(r"While .* trained")  # "it" until the first answer, then the stage
    hostile.see(r"│ LUNA|│ +LUNA|5 +LUNA|LUNA.*│")
    hostile.press("escape")
    hostile.see_gone(r"While .* trained")
    hostile.press("c", *"hello", "enter")
    hostile.see(r"182 tok/s")
    hostile.press("escape", "escape", "s")
    hostile.see(r"G2 failed")
    assert_harmless(hostile)
    hostile.press("q")
    assert hostile.ended() == 0
    assert_harmless(hostile)
