"""Workspaces with a tiny model whose runs last long enough to be watched."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from held_training import holding
from tiny_workspace import make_template

_MAIN = "from luna_tui.cli.main import main\nraise SystemExit(main())\n"


@pytest.fixture(scope="session")
def slow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny workspace whose first generation takes more steps than any machine does while a test looks at it."""
    root = make_template(tmp_path_factory.mktemp("template") / "tiny")
    text = (root / "luna.toml").read_text()
    assert "steps = 40" in text
    text = text.replace("steps = 40", "steps = 60000", 1).replace("lr = 0.02", "lr = 0.002", 1)
    # A checkpoint takes as long as a dozen of these steps; a stop makes one of its own.
    text = text.replace("checkpoint_every = 8", "checkpoint_every = 500")
    (root / "luna.toml").write_text(text)
    return root


@pytest.fixture
def slow_workspace(slow_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for one test."""
    monkeypatch.setenv("LUNA_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(slow_template, tmp_path / "tiny"))


@dataclass(frozen=True, slots=True)
class Held:
    """A workspace whose first generation waits in its middle until it is let go on, and then soon ends."""

    root: Path
    gate: Path
    steps: int
    step: int

    @property
    def hold(self) -> str:
        """The line of code that makes a process's training wait."""
        return holding(self.step, self.gate)

    def luna(self, code: str = "") -> list[str]:
        """luna-tui on the workspace in a process that waits so; `code` runs there first."""
        return [sys.executable, "-c", self.hold + code + _MAIN, "-w", str(self.root)]

    def go_on(self) -> None:
        """Let the training go on."""
        self.gate.touch()

    @property
    def in_its_middle(self) -> str:
        """What the screen shows while it trains."""
        return rf"step \d+/{self.steps}"


def hold_at(workspace: Path, step: int, gate: Path) -> Held:
    """Give a slow workspace a hundred steps more than this one, at which they are held instead."""
    toml = workspace / "luna.toml"
    toml.write_text(toml.read_text().replace("steps = 60000", f"steps = {step + 100}"))
    return Held(workspace, gate, step + 100, step)


@pytest.fixture
def held(slow_workspace: Path, tmp_path: Path) -> Held:
    """A slow workspace with few steps that are held at the twentieth."""
    return hold_at(slow_workspace, 20, tmp_path / "gate")
