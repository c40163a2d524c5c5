"""Run the command line in this process with a scripted engine, or in a child under a real terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
from unit.cli.cli_fakes import FakeEngine, make_workspace

from luna_tui.cli.app import main

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`run("lineage", engine=…)` → exit code, stdout, stderr."""
    for name in ("LUNA_WORKSPACE", "NO_COLOR", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm-256color")

    def call(*args: object, engine: FakeEngine | None = None) -> Result:
        monkeypatch.setattr(sys, "argv", ["luna-tui", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(engine or FakeEngine())
        shown = capsys.readouterr()
        code = end.value.code
        return Result(code if isinstance(code, int) else 0, shown.out, shown.err)

    return call


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace whose ledger has three hand-written generations."""
    return make_workspace(tmp_path / "ws", generations=3)


def child_command(play: str) -> list[str]:
    """The command line with a fake engine, for a process of its own."""
    imports = "from unit.cli import cli_fakes, cli_script; from luna_tui.cli.app import main"
    code = f"{imports}; main(cli_fakes.FakeEngine(cli_script.{play}))"
    return [sys.executable, "-c", code]


def child_env(**more: str) -> dict[str, str]:
    """A quiet, known environment for a child."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "COVERAGE_PROCESS_START") if name in os.environ
    }
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    return {**kept, "PYTHONPATH": paths, "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1", **more}


Spawn = Callable[..., pexpect.spawn]


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """`spawn("play_accepted", "train", columns=80)` → the command line on a pty."""
    started: list[pexpect.spawn] = []

    def start(play: str, *args: object, columns: int = 80, **env: str) -> pexpect.spawn:
        command = [*child_command(play), *map(str, args)]
        child = pexpect.spawn(
            command[0],
            command[1:],
            dimensions=(30, columns),
            encoding="utf-8",
            timeout=60,
            env=child_env(XDG_STATE_HOME=str(tmp_path / "state"), **env),  # pyright: ignore[reportArgumentType]
            # As in a terminal; a test run in the background of a shell hands down that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)
