"""The wheel, not the checkout: what `pip install` gives must bring every package and the demo along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory into which the built wheel was unpacked."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    site = out / "site"
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


def run(installed: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # -P and the wheel's directory first: the checkout must not be what is imported.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-m", "luna_tui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)


def test_the_wheel_makes_the_demo_and_reads_it(installed: Path, tmp_path: Path) -> None:
    made = run(installed, tmp_path, "init", "demo", "--demo")
    assert made.returncode == 0, made.stderr
    facts = list((tmp_path / "demo" / "curriculum" / "fundamentals").glob("*.jsonl"))
    assert facts
    assert run(installed, tmp_path, "-w", "demo", "lineage", "--json").stdout.strip() == "[]"
    assert json.loads(run(installed, tmp_path, "-w", "demo", "verify", "--json").stdout)["ok"] is True


def test_the_wheel_brings_what_is_not_code(installed: Path, tmp_path: Path) -> None:
    code = (
        "import probes.style as style; from pathlib import Path;"
        "print(Path(style.__file__).parent, len(style.load_phrases()), len(style.load_tone_probes()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    where, phrases, probes = done.stdout.rsplit(" ", 2)
    assert Path(where) == installed / "probes"
    assert int(phrases) >= 60
    assert int(probes) == 10
