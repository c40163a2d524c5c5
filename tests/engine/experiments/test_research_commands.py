"""`compare`, `study`, `matrix` and `report` as a person runs them, on the tiny model: what is printed and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace

pytestmark = pytest.mark.slow


def luna(tiny: TinyWorkspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "luna_tui", "-w", str(tiny.root), *arguments]
    env = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, check=False)


@pytest.fixture(scope="module")
def researched(lineage: TinyWorkspace, tmp_path_factory: pytest.TempPathFactory) -> TinyWorkspace:
    tiny = lineage.copy_to(tmp_path_factory.mktemp("research") / "tiny")
    for arguments in (("study", "--seeds", "0,1"), ("matrix", "--fill"), ("compare", "base", "HEAD", "--refusals")):
        done = luna(tiny, *arguments)
        assert done.returncode == 0, done.stderr
    return tiny


def test_the_study_ends_with_a_verdict(researched: TinyWorkspace) -> None:
    again = luna(researched, "study", "--seeds", "0,1")
    assert again.returncode == 0
    assert "The claim" in again.stdout
    assert "one-shot" in again.stdout
    assert "train" not in again.stderr, "everything was trained before"
    told = json.loads(luna(researched, "study", "--seeds", "0,1", "--json").stdout)
    assert told["type"] == "study"
    assert [arm["seed"] for arm in told["arms"]] == [0, 1, 0, 1]


def test_a_dry_run_says_what_is_left(researched: TinyWorkspace) -> None:
    plan = json.loads(luna(researched, "study", "--seeds", "0,1,2", "--dry-run", "--json").stdout)
    assert {entry["arm"]: entry["done"] == entry["generations"] for entry in plan} == {
        "micro, seed 0": True,
        "micro, seed 1": True,
        "micro, seed 2": False,
        "one-shot, seed 0": True,
        "one-shot, seed 1": True,
        "one-shot, seed 2": False,
    }


@pytest.mark.parametrize(("seeds", "words"), [("0", "at least two different seeds"), ("0,x", "no list of seeds")])
def test_bad_seeds_are_bad_input(researched: TinyWorkspace, seeds: str, words: str) -> None:
    done = luna(researched, "study", "--seeds", seeds)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_comparison_is_told_in_words(researched: TinyWorkspace) -> None:
    done = luna(researched, "compare", "base", "G3")
    assert done.returncode == 0
    assert "G3 is better than base" in done.stdout
    assert luna(researched, "compare", "G3").returncode == 2


def test_the_report_has_every_part_and_nothing_of_this_machine(researched: TinyWorkspace, tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = luna(researched, "report", "--out", str(out))
    assert done.returncode == 0, done.stderr
    text = (out / "report.md").read_text()
    parts = ("The lineage", "Forgetting", "The study", "Comparisons", "To do it again")
    for heading in ("# luna-tui: tiny", *(f"## {part}" for part in parts)):
        assert heading in text
    assert text.index("The claim") < text.index("## The lineage"), "the verdict comes first"
    page = (out / "report.html").read_text()
    for name in ("report.md", "report.html", "study.json"):
        found = (out / name).read_text()
        assert str(researched.root) not in found
        assert str(Path.home()) + "/" not in found
    for picture in ("scores.svg", "loss.svg", "matrix.svg", "study.svg", "trade-off.svg"):
        assert (out / picture).read_text().startswith("<?xml")
        assert picture in text
    assert page.count("<svg") == 5
    assert "src=" not in page


def test_a_report_without_a_study_says_that_nothing_was_tested(evolved: TinyWorkspace) -> None:
    done = luna(evolved, "report")
    assert done.returncode == 0
    assert "was not tested here" in " ".join(done.stdout.split())
    assert (evolved.root / "report" / "report.html").exists()


def test_nothing_to_report_is_bad_input(tiny: TinyWorkspace) -> None:
    done = luna(tiny, "report")
    assert done.returncode == 2
    assert "HEAD is at the base" in done.stderr
    assert luna(tiny, "study").returncode == 2


def test_verify_and_gc_are_not_disturbed(researched: TinyWorkspace) -> None:
    assert luna(researched, "verify").returncode == 0
    before = sorted(path for path in (researched.root / "study").rglob("*.gguf"))
    assert luna(researched, "gc", "--yes").returncode == 0
    assert sorted(path for path in (researched.root / "study").rglob("*.gguf")) == before
