"""Help, version, bare calls, and what a call may import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from unit.cli.cli_fakes import FakeEngine, branched_rows
from unit.cli.conftest import Run, child_env

from luna_tui.cli.app import COMMANDS

NAMES = [name for name, _, _ in COMMANDS]


@pytest.mark.parametrize("name", NAMES)
def test_help_of_every_command_has_an_example_that_names_it(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.code == 0
    _, _, examples = result.out.partition("Examples:")
    assert f" {name}" in examples
    assert "$ luna-tui" in examples


def test_top_help_lists_all_commands_and_exit_codes(run: Run) -> None:
    result = run("--help")
    assert result.code == 0
    assert NAMES == [
        "init",
        "train",
        "eval",
        "lineage",
        "matrix",
        "rollback",
        "chat",
        "watch",
        "compare",
        "study",
        "report",
        "ladder",
        "behaviors",
        "questions",
        "export",
        "verify",
        "doctor",
        "gc",
    ]
    for name in NAMES:
        assert f"│ {name} " in result.out
    assert "130 interrupted" in " ".join(result.out.split())
    assert "--install-completion" in result.out


@pytest.mark.parametrize(
    "name",
    [
        "eval",
        "lineage",
        "matrix",
        "rollback",
        "chat",
        "export",
        "verify",
        "doctor",
        "gc",
        "train",
        "watch",
        "ladder",
        "study",
        "report",
        "compare",
        "questions",
    ],
)
def test_reading_commands_and_train_take_json_and_a_workspace(run: Run, name: str) -> None:
    out = run(name, "--help").out
    assert "--json" in out
    assert "--workspace" in out


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.code == 0
    assert result.out.startswith("luna-tui ")


def test_bare_call_without_a_workspace_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run()
    assert result.code == 0
    assert "luna-tui init demo --demo" in result.out


def test_bare_call_in_a_workspace_is_the_report(run: Run, workspace: Path) -> None:
    engine = FakeEngine()
    engine.rows = branched_rows()
    result = run("-w", workspace, engine=engine)
    assert result.code == 0
    assert "G4 ◀ HEAD" in result.out
    assert f"luna-tui -w {workspace} chat HEAD" in result.out
    assert "why G6 was rejected" in result.out


def test_bare_call_before_the_first_generation(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path / "new").code == 0
    result = run("-w", tmp_path / "new")
    assert result.code == 0
    assert f"luna-tui -w {tmp_path / 'new'} train" in result.out


def test_workspace_may_be_named_before_or_after_the_command_or_by_environment(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run("-w", workspace, "lineage").out
    after = run("lineage", "-w", workspace).out
    monkeypatch.setenv("LUNA_WORKSPACE", str(workspace))
    assert before == after == run("lineage").out
    assert "G2" in before


def test_unknown_command_and_option_are_usage_errors(run: Run) -> None:
    assert run("trian").code == 2
    assert "train" in run("trian").err
    assert run("lineage", "--nope").code == 2


@pytest.mark.parametrize("args", [["--help"], ["train", "--help"], ["-w", "WS", "lineage"], ["-w", "WS", "verify"]])
def test_light_commands_leave_the_model_libraries_alone(args: list[str], workspace: Path) -> None:
    code = (
        "import sys\n"
        "from luna_tui.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: print('exit', end.code, file=sys.stderr)\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'unsloth', 'datasets', 'llama_cpp', 'gguf', 'textual'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    given = [str(workspace) if part == "WS" else part for part in args]
    done = subprocess.run(
        [sys.executable, "-c", code, *given], env=child_env(), capture_output=True, text=True, timeout=60, check=False
    )
    assert "HEAVY []" in done.stderr, done.stderr
    assert "exit 0" in done.stderr or "exit None" in done.stderr, done.stderr
