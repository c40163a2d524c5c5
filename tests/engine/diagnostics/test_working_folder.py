"""What lies in the working folder is data: no file of it is ever run as a module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.child_environment import child_environment
from engine.diagnostics.machine_checks import check_machine
from engine.gguf.hf_converter import convert_to_gguf
from engine.runtime.client import Runtime

ROOT = Path(__file__).resolve().parents[3]
POISON = "from pathlib import Path; Path(__file__).with_name('executed').touch(); raise SystemExit('poisoned')"
NAMES = ("torch", "llama_cpp", "json", "numpy", "trl", "unsloth", "gguf", "convert_hf_to_gguf", "typing", "engine")


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with modules of known names that leave a trace when they are run."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(POISON)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_doctor_and_the_backend_check(poisoned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep)  # an empty entry means the working folder
    findings = {finding.what: finding for finding in check_machine()}
    assert not (poisoned / "executed").exists()
    assert {findings[name].level for name in ("torch", "llama.cpp", "backend trl")} == {"ok"}


def test_the_runtime_child_and_the_converter(poisoned: Path) -> None:
    with Runtime() as runtime:
        assert runtime.system()["version"]
    model = poisoned / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    with pytest.raises(Exception, match="converter failed"):
        convert_to_gguf(model, poisoned / "out.gguf", "f16")
    assert not (poisoned / "executed").exists()


@pytest.mark.parametrize("arguments", [["--version"], ["init", "new"], ["-w", "new", "lineage"]])
def test_luna_as_a_module(poisoned: Path, arguments: list[str]) -> None:
    if "-w" in arguments:
        _luna(poisoned, ["init", "new"])
    done = _luna(poisoned, arguments)
    assert done.returncode == 0, done.stderr
    assert not (poisoned / "executed").exists()


def _luna(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "luna_tui", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_entries_given_on_purpose_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("print('mine')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", str(tmp_path), ""]))
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import mine"], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "mine\n"
