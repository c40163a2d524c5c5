"""`train`: arguments, JSON purity, plain lines, the live display, and stopping."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import IO

import pytest
from unit.cli import cli_fakes
from unit.cli.cli_fakes import FakeEngine
from unit.cli.conftest import Run, Spawn, child_command, child_env

from engine.core.errors import UsageError
from engine.core.events import EVENT_TYPES, type_name


def in_child(play: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [*child_command(play), *map(str, args)]
    return subprocess.run(command, env=child_env(), capture_output=True, text=True, timeout=60, check=False)


def test_request_says_what_was_asked(run: Run, workspace: Path, tmp_path: Path) -> None:
    rows = tmp_path / "new.jsonl"
    rows.write_text("{}\n")
    engine = FakeEngine()
    args = (
        "-n",
        3,
        "--phase",
        "converse",
        "--parent",
        "G1",
        "--steps",
        40,
        "--data",
        rows,
        "--backend",
        "trl",
        "--seed",
        7,
    )
    assert run("-w", workspace, "train", *args, engine=engine).code == 0
    request = engine.sessions[0].request
    assert (request.generations, request.phase, request.parent, request.steps) == (3, "converse", "G1", 40)
    assert (request.data, request.backend, request.seed, request.resume) == ((rows,), "trl", 7, False)
    assert engine.sessions[0].closed


@pytest.mark.parametrize(
    "args",
    [
        ("-n", "0"),
        ("--phase", "late"),
        ("--steps", "0"),
        ("--seed", "-1"),
        ("--backend", "jax"),
        ("--data", "/no/such/file"),
    ],
)
def test_bad_arguments_are_exit_2_and_start_nothing(run: Run, workspace: Path, args: tuple[str, str]) -> None:
    engine = FakeEngine()
    assert run("-w", workspace, "train", *args, engine=engine).code == 2
    assert engine.sessions == []


def test_a_directory_without_a_workspace_is_exit_2(run: Run, tmp_path: Path) -> None:
    result = run("-w", tmp_path, "train")
    assert result.code == 2
    assert "luna-tui init" in result.err


def test_json_stream_of_a_failure_before_the_run_still_ends_with_run_finished(run: Run, workspace: Path) -> None:
    (workspace / "luna.toml").write_text("[train]\nstepz = 3\n")
    result = run("-w", workspace, "train", "--json")
    assert result.code == 2
    last = json.loads(result.out.splitlines()[-1])
    assert (last["type"], last["verdict"], last["exit_code"]) == ("run_finished", "failed", 2)
    assert "stepz" in last["error"]
    assert "stepz" in result.err


def test_json_is_pure_whatever_libraries_print(workspace: Path) -> None:
    done = in_child("play_accepted", "-w", workspace, "train", "--json")
    assert done.returncode == 0
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert {event["type"] for event in events} <= {type_name(kind) for kind in EVENT_TYPES}
    assert events[-1]["type"] == "run_finished"
    assert events[-1]["verdict"] == "accepted"
    assert "noise" not in done.stdout + done.stderr
    assert "noise of a library on stdout" in (workspace / "runs" / "train.log").read_text()


def test_json_has_no_nan(workspace: Path) -> None:
    done = in_child("play_nan", "-w", workspace, "train", "--json")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    losses = [json.loads(line, parse_constant=refuse).get("loss", 0) for line in done.stdout.splitlines()]
    assert None in losses


def test_plain_lines_without_a_terminal(workspace: Path) -> None:
    done = in_child("play_accepted", "-w", workspace, "train")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert [
        line.split("] ")[-1]
        for line in lines
        if line.split("] ")[-1] in ("train", "export", "examine", "judge", "record")
    ]
    assert any("84 to train on, 20 held out" in line for line in lines)
    training = [line for line in lines if " train " in line and "loss" in line]
    assert 1 <= len(training) <= 11
    assert "20/20 100%" in training[-1]
    assert "recall" in done.stdout
    assert "116/120" in done.stdout
    assert "0.92–0.99" in done.stdout
    assert "G2 accepted" in done.stdout
    assert f"luna-tui -w {workspace} chat HEAD" in done.stdout


def test_rejection_is_exit_3_with_the_reason(workspace: Path) -> None:
    done = in_child("play_rejected", "-w", workspace, "train")
    assert done.returncode == 3
    assert "generalization 0.61 is not above 0.85" in done.stdout
    assert "HEAD is still G1" in done.stdout
    assert "eval G2" in done.stdout


def test_a_failed_run_says_why_and_how_to_mend_it(workspace: Path) -> None:
    done = in_child("play_failed", "-w", workspace, "train")
    assert done.returncode == 1
    assert "no space left on the disk" in done.stderr
    assert "make room" in done.stderr
    assert done.stdout == ""


def test_live_display_on_a_terminal(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_until_stopped", "-w", workspace, "train")
    child.expect("G2 converse")
    child.expect("from G1")
    child.expect("bad row left out")
    child.expect("▸ train")
    child.expect("3/20")
    child.expect("loss")
    child.sendintr()
    child.expect("interrupted; nothing half done")
    child.expect(f"luna-tui -w {workspace} train --resume")
    rest = child.read()
    child.close()
    assert child.exitstatus == 130
    assert "\x1b[31mprompt" not in rest
    assert "noise" not in rest


@pytest.mark.parametrize("columns", [80, 120])
def test_live_display_ends_with_the_result(spawn: Spawn, workspace: Path, columns: int) -> None:
    child = spawn("play_accepted", "-w", workspace, "train", columns=columns)
    shown = child.read()
    child.close()
    assert child.exitstatus == 0
    assert "noise" not in shown
    assert "\x1b[31mprompt" not in shown
    assert shown.rindex("accepted") > shown.rindex("recall") > shown.rindex("exported")
    assert shown.count("\x1b[?25h") >= shown.count("\x1b[?25l") > 0


def test_first_ctrl_c_stops_in_order(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_until_stopped", "-w", workspace, "train", "--json")
    child.expect('"step": 3')
    child.sendintr()
    child.expect("stopping after this step; Ctrl-C again to abandon")
    child.expect('"verdict": "interrupted"')
    child.expect_exact('"exit_code": 130')
    child.read()
    child.close()
    assert child.exitstatus == 130


def test_second_ctrl_c_abandons_at_once_and_gives_the_cursor_back(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_deaf", "-w", workspace, "train")
    child.expect("1/20")
    child.sendintr()
    child.expect("stopping after this step; Ctrl-C again to abandon")
    child.sendintr()
    shown = child.read()
    child.close()
    assert child.exitstatus == 130
    assert "\x1b[?25h" in shown


def test_sigterm_stops_like_ctrl_c(workspace: Path) -> None:
    command = [*child_command("play_until_stopped"), "-w", str(workspace), "train", "--json"]
    with subprocess.Popen(
        command, env=child_env(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        out: IO[str] | None = child.stdout
        assert out is not None
        for line in out:
            event = json.loads(line)
            if event["type"] == "train_step" and event["step"] == 3:
                os.kill(child.pid, signal.SIGTERM)
        assert child.wait(60) == 130


def test_an_engine_that_cannot_be_made_is_an_error_not_a_traceback(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("the base model is not here", hint="pip install it")

    monkeypatch.setattr(FakeEngine, "session", refuse)
    result = run("-w", workspace, "train")
    assert result.code == 2
    assert "Traceback" not in result.err
    assert cli_fakes.SHA not in result.out
