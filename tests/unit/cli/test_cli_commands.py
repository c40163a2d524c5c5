"""`eval`, `rollback`, `verify`, and what errors look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unit.cli.cli_fakes import FakeEngine, problems
from unit.cli.conftest import Run, Spawn

from luna_tui.cli.tables.eval import highlighted


def test_eval_shows_scores_then_what_failed(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "eval", "G1")
    assert result.code == 0
    assert result.out.index("116/120") < result.out.index("G0 0.85") < result.out.index("12 of 60 items failed")
    assert result.out.count("expected") == 10
    assert "2 more failed items" in result.out
    assert "[bold]" in result.out
    assert "\x1b" not in result.out
    assert "1 of 3 answers corporate, 1 empty" in result.out


def test_eval_all_shows_every_item(run: Run, workspace: Path) -> None:
    out = run("-w", workspace, "eval", "G1", "--all").out
    assert out.count("expected") == 60
    assert out.rindex("␛[2JPort 7.") < out.index("port is i1 on?"), "failed items come first"


def test_eval_json_is_what_the_engine_returned(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "eval", "HEAD", "--json")
    assert len(json.loads(result.out)["items"]) == 60
    assert result.err == ""


def test_eval_recorded_runs_nothing(run: Run, workspace: Path) -> None:
    out = run("-w", workspace, "eval", "2", "--recorded").out
    assert "as recorded" in out


def test_eval_only_runs_one_of_the_three(run: Run, workspace: Path) -> None:
    drift = json.loads(run("-w", workspace, "eval", "G1", "--only", "drift", "--json").out)
    assert drift["note"] == "drift examined again; the rest as recorded"
    assert run("-w", workspace, "eval", "G1", "--only", "taste").code == 2
    both = run("-w", workspace, "eval", "G1", "--only", "drift", "--recorded")
    assert both.code == 2
    assert "leave one of them out" in both.err


def test_eval_of_an_unknown_generation(run: Run, workspace: Path) -> None:
    assert run("-w", workspace, "eval", "G9").code == 2


def test_phrases_are_marked_by_their_place_in_the_raw_text() -> None:
    text = highlighted("a\u200b sorry, but b", [{"phrase": "sorry", "start": 3, "end": 8, "text": "sorry"}])
    assert text.plain == "a<U+200B> sorry, but b  [sorry]"
    assert [text.plain[span.start : span.end] for span in text.spans if "red" in str(span.style)] == ["sorry"]


def test_rollback_moves_head_and_keeps_the_reason(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "rollback", "G1", "--yes", "--reason", "the voice got worse", "--json")
    assert json.loads(result.out) == {"from": None, "to": 1}
    assert (workspace / "models" / "HEAD").read_text() == "G1\n"
    assert "the voice got worse" in (workspace / "models" / "head.log").read_text()
    again = run("-w", workspace, "rollback", "HEAD")
    assert again.code == 0
    assert "already" in again.out


def test_rollback_asks_on_a_terminal(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_accepted", "-w", workspace, "rollback", "G1")
    child.expect_exact("HEAD is base. Move it to G1? [y/N]")
    child.sendline("")
    child.read()
    child.close()
    assert child.exitstatus == 1
    assert not (workspace / "models" / "HEAD").exists()
    child = spawn("play_accepted", "-w", workspace, "rollback", "G1")
    child.expect_exact("[y/N]")
    child.sendline("y")
    child.expect("HEAD base → ")
    child.read()
    assert (workspace / "models" / "HEAD").read_text() == "G1\n"


def test_verify_ok(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "verify")
    assert result.code == 0
    assert "12 files are what was recorded" in result.out


def test_verify_names_file_and_generation_and_exits_4(run: Run, workspace: Path) -> None:
    engine = FakeEngine()
    engine.report = problems()
    result = run("-w", workspace, "verify", engine=engine)
    assert result.code == 4
    assert "G2" in result.out
    assert "models/luna_age_2.gguf" in result.out
    assert "2 problems" in result.out
    as_json = run("-w", workspace, "verify", "--json", engine=engine)
    assert as_json.code == 4
    report = json.loads(as_json.out)
    assert (report["ok"], report["checked"], report["problems"][0]["gen"]) == (False, 12, 2)
    assert set(report["problems"][0]) == {"gen", "file", "problem"}


def test_real_verify_of_a_hand_written_ledger(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FakeEngine, "verify")
    result = run("-w", workspace, "verify", "--json")
    assert result.code == 0
    assert json.loads(result.out)["notes"]


@pytest.mark.parametrize(
    "args", [("lineage",), ("eval", "1"), ("verify",), ("gc",), ("rollback", "1"), ("chat", "1", "--prompt", "x")]
)
def test_no_workspace_is_exit_2_with_the_remedy(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    result = run("-w", tmp_path, *args)
    assert result.code == 2
    assert result.out == ""
    assert "luna-tui init" in result.err


def test_the_unexpected_is_one_line_and_a_log(
    run: Run, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("an evil \x1b[31mreason")

    monkeypatch.setattr(FakeEngine, "verify", explode)
    result = run("-w", workspace, "verify")
    assert result.code == 1
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert "\x1b[31m" not in result.err
    [log] = list((tmp_path / "state").rglob("crash-*.log"))
    assert str(log) in result.err
    assert "ZeroDivisionError" in log.read_text()
    assert "in explode" in log.read_text()


def test_keyboard_interrupt_is_130(run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeEngine, "verify", interrupt)
    result = run("-w", workspace, "verify")
    assert result.code == 130
    assert "Traceback" not in result.err
