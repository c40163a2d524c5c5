"""`doctor`: findings with remedies, with and without a workspace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.cli.conftest import Run

from engine.diagnostics import machine_checks, workspace_checks
from engine.diagnostics.machine_checks import Check
from luna_tui.cli.commands.doctor import terminal_findings


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's libraries are not what these tests are about."""

    def answer(script: str) -> tuple[dict[str, Any] | None, str]:
        if "torch" in script:
            return {"version": "2.13.0", "threads": 2, "cuda": False, "simd": "AVX512"}, ""
        return {"version": "0.3.36", "features": "CPU : AVX2 = 1 | AVX512 = 0 | OPENMP = 1 |", "gpu": False}, ""

    monkeypatch.setattr(machine_checks, "_ask", answer)
    monkeypatch.setattr(machine_checks, "_backends", lambda: [Check("ok", "backend trl", "1.15.0", "")])


@pytest.mark.usefixtures("quick")
def test_works_without_a_workspace(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("doctor")
    assert result.code == 0
    assert "2.13.0, 2 threads" in result.out
    assert "AVX2 OPENMP" in result.out
    assert "no workspace here" in result.err


@pytest.mark.usefixtures("quick")
def test_json_findings(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "doctor", "--json")
    findings = json.loads(result.out)
    assert all(set(finding) == {"level", "what", "detail", "remedy"} for finding in findings)
    assert all(finding["remedy"] for finding in findings if finding["level"] != "ok")
    names = [finding["what"] for finding in findings]
    assert {"Python", "torch", "memory", "llama.cpp", "terminal", "luna.toml", "curriculum"} <= set(names)


@pytest.mark.usefixtures("quick")
def test_a_workspace_named_that_is_none_fails(run: Run, tmp_path: Path) -> None:
    result = run("-w", tmp_path / "nowhere", "doctor")
    assert result.code == 1
    assert "luna-tui init" in result.out


def levels(root: Path) -> dict[str, str]:
    return {finding.what: finding.level for finding in workspace_checks.examine(root)}


def test_a_healthy_workspace(workspace: Path) -> None:
    row = '{"prompt": "Which port?", "response": "Port 318."}\n'
    for stage in ("fundamentals", "aios_manual", "logs_specs", "conversations"):
        (workspace / "curriculum" / stage / "rows.jsonl").write_text(row.replace("Which", stage))
    assert levels(workspace) == {
        "luna.toml": "ok",
        "base model": "ok",
        "curriculum": "ok",
        "ledger": "ok",
        "GGUFs": "warn",
        "runs": "ok",
        "disk": levels(workspace)["disk"],
        "locks": "ok",
        "writing": "ok",
    }


def test_what_is_wrong_is_found_and_the_rest_still_looked_at(workspace: Path) -> None:
    (workspace / "curriculum" / "conversations" / "a.jsonl").write_text(
        '{"prompt": "x", "response": "y"}\n{"nope": 1}\n'
    )
    ledger = workspace / "models" / "lineage_ledger.csv"
    ledger.write_text(ledger.read_text().replace("eval_recall,", ""))
    found = levels(workspace)
    assert found["curriculum"] == "warn"
    assert found["ledger"] == "fail"
    assert found["runs"] == "fail"
    assert "disk" in found


def test_a_broken_config(workspace: Path) -> None:
    (workspace / "luna.toml").write_text("[train]\nstepz = 3\n")
    [finding] = workspace_checks.examine(workspace)
    assert (finding.level, finding.what) == ("fail", "luna.toml")
    assert "stepz" in finding.detail


def test_a_disk_that_is_too_small(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_checks, "free_bytes", lambda _: 10**6)
    [finding] = [finding for finding in workspace_checks.examine(workspace) if finding.what == "disk"]
    assert finding.level == "fail"
    assert "luna-tui gc" in finding.remedy


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("raise ImportError('no such thing')", "no such thing"),
        ("import os; os.abort()", "signal or code -6"),
        ("print('chatter')", "no answer"),
        ("print('chatter'); print('{\"a\": 1}')", ""),
    ],
)
def test_a_library_that_breaks_is_a_finding(script: str, why: str) -> None:
    facts, said = machine_checks._ask(script)  # pyright: ignore[reportPrivateUsage]
    assert (facts is None) == bool(why)
    assert why in said


def test_a_library_that_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("python", 90)

    monkeypatch.setattr(subprocess, "run", hang)
    assert machine_checks._ask("x") == (None, "did not answer within 90 s")  # pyright: ignore[reportPrivateUsage]


def test_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert terminal_findings({"TERM": "dumb"})[0].level == "warn"
    [finding] = terminal_findings({"TERM": "xterm-256color", "COLORTERM": "truecolor", "SSH_CONNECTION": "1"})
    assert "24 bit" in finding.detail
    assert "over SSH" in finding.detail
