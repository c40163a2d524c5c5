"""`export`: what is asked of the engine, what is said of the result, and what goes wrong."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from unit.cli.cli_fakes import FakeEngine
from unit.cli.conftest import Run

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.publish.publish import ExportResult
from engine.workspace.layout import Workspace

SHA = "ab" * 32


class Exporting(FakeEngine):
    """Writes two small files instead of a model, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def export(
        self,
        workspace: Workspace,
        config: object,
        ref: str,
        target: str,
        directory: Path,
        *,
        progress: Any,
        control: Control,
        force: bool = False,
    ) -> ExportResult:
        self.asked.append({"ref": ref, "target": target, "directory": directory, "force": force})
        progress(1, 2, "copying")
        control.check()
        if target == "\x1b[2Jevil":
            raise UsageError(f"there is no target {target!r}", where="--to", hint="one of ollama, hf")
        directory.mkdir(parents=True, exist_ok=True)
        files = [directory / "luna-g1.gguf", directory / "LUNA.json"]
        for file in files:
            file.write_bytes(b"x" * 2048)
        command = f"cd {shlex.quote(str(directory))} && ollama create luna-g1 -f Modelfile"
        return ExportResult(1, "G1", target, files, command, SHA)


@pytest.fixture
def engine() -> Exporting:
    return Exporting()


def test_it_says_what_was_written_and_what_to_run_next(
    run: Run, workspace: Path, engine: Exporting, tmp_path: Path
) -> None:
    result = run("-w", workspace, "export", "G1", "--to", "ollama", tmp_path / "out", engine=engine)
    assert result.code == 0
    assert engine.asked == [{"ref": "G1", "target": "ollama", "directory": tmp_path / "out", "force": False}]
    lines = result.out.splitlines()
    assert "G1 for ollama" in lines[0]
    assert "2.0 KB" in lines[0]
    assert f"  {tmp_path}/out/luna-g1.gguf" in lines
    assert f"sha256 {SHA}" in lines
    assert lines[-1] == f"next: cd {tmp_path}/out && ollama create luna-g1 -f Modelfile"


def test_json_is_the_result_and_nothing_else(run: Run, workspace: Path, engine: Exporting, tmp_path: Path) -> None:
    result = run("-w", workspace, "export", "1", tmp_path / "out", "--to", "ollama", "--json", engine=engine)
    assert result.err == ""
    document = json.loads(result.out)
    assert document["files"] == [str(tmp_path / "out" / "luna-g1.gguf"), str(tmp_path / "out" / "LUNA.json")]
    assert {key: document[key] for key in ("gen", "label", "target", "sha")} == {
        "gen": 1,
        "label": "G1",
        "target": "ollama",
        "sha": SHA,
    }
    assert document["command"].startswith("cd ")


def test_force_is_passed_on(run: Run, workspace: Path, engine: Exporting, tmp_path: Path) -> None:
    run("-w", workspace, "export", "1", "--to", "hf", "--force", tmp_path / "out", engine=engine)
    assert engine.asked[0]["force"] is True


def test_a_name_of_a_directory_cannot_write_to_the_terminal(
    run: Run, workspace: Path, engine: Exporting, tmp_path: Path
) -> None:
    result = run("-w", workspace, "export", "1", "--to", "hf", tmp_path / "\x1b[2J[red]", engine=engine)
    assert "\x1b[2J" not in result.out
    assert "␛[2J[red]/luna-g1.gguf" in result.out


def test_what_the_engine_refuses_is_bad_usage(run: Run, workspace: Path, engine: Exporting, tmp_path: Path) -> None:
    result = run("-w", workspace, "export", "1", "--to", "\x1b[2Jevil", tmp_path / "out", engine=engine)
    assert result.code == 2
    assert result.out == ""
    assert "one of ollama, hf" in result.err
    assert "\x1b[2J" not in result.err


def test_target_and_directory_are_needed(run: Run, workspace: Path) -> None:
    assert run("-w", workspace, "export", "1", "out").code == 2
    assert run("-w", workspace, "export", "1", "--to", "hf").code == 2


def test_the_real_engine_is_asked(run: Run, workspace: Path, tmp_path: Path) -> None:
    result = run("-w", workspace, "export", "1", "--to", "gpt4all", tmp_path / "out")
    assert result.code == 2
    assert "no target 'gpt4all'" in result.err
    assert "llama-server" in result.err
