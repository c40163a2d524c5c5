"""What a person or a script may expect of any command line: errors as JSON, pipes, full disks, names, variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.conftest import ROOT, Run, child_command, child_env

from engine.config.sources import variable_names
from luna_tui.cli.chat.lines import read_prompts, typed_text
from luna_tui.cli.unused_variables import idle_variables

READING = ("lineage", "matrix", "verify", "gc", "report", "ladder", "study", "watch", "inbox list")


def luna(*args: object, python: tuple[str, ...] = (), cwd: Path | None = None, **given: Any) -> Any:
    """The command line in a process of its own, with a real stdout."""
    command = child_command("play_accepted")
    command = [command[0], *python, *command[1:]]
    return subprocess.run([*command, *map(str, args)], env=child_env(), cwd=cwd, check=False, timeout=300, **given)


@pytest.mark.parametrize("command", [*READING, "train", "chat G0", "eval G0", "rollback G0", "compare G0 G1"])
def test_without_a_workspace_every_command_says_so_in_json(run: Run, tmp_path: Path, command: str) -> None:
    result = run("-w", tmp_path / "none", *command.split(), "--json")
    said = json.loads(result.out)
    assert result.code == said["exit_code"] == 2
    assert "no luna workspace" in said["error"] or "not a luna workspace" in said["error"]
    assert said["where"] == str(tmp_path / "none")
    assert "luna-tui init" in said["hint"]
    assert "error:" in result.err


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("lineage", "--nope", "--json"), "No such option: --nope"),
        (("lineages", "--json"), "No such command"),
        (("chat", "--json"), "Missing argument"),
        (("eval", "G0", "--only", "taste", "--json"), "taste"),
        (("train", "--steps", "0", "--json"), "steps"),
    ],
)
def test_a_call_that_cannot_be_understood_is_told_in_json_too(run: Run, args: tuple[str, ...], error: str) -> None:
    result = run(*args)
    said = json.loads(result.out)
    assert set(said) == {"error", "where", "hint", "exit_code"}
    assert error in said["error"]
    assert result.code == said["exit_code"] == 2
    assert "Usage: luna-tui" in result.err


def test_the_unexpected_is_json_with_the_log_on_stderr(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("an evil reason")

    monkeypatch.setattr(FakeEngine, "verify", explode)
    result = run("-w", workspace, "verify", "--json")
    said = json.loads(result.out)
    assert "an evil reason" in said["error"]
    assert result.code == said["exit_code"] == 1
    assert "crash-" in result.err


def test_text_that_only_looks_like_the_flag_is_no_wish_for_json(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "chat", "--", "--json")
    assert result.code == 2
    assert result.out == ""


@pytest.mark.parametrize("args", [("--help",), ("lineage",), ("lineage", "--json"), ("--version",)])
def test_a_reader_that_leaves_is_no_failure(workspace: Path, args: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = luna("-w", workspace, *args, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux' full device")
@pytest.mark.parametrize(
    "args", [("--help",), ("lineage",), ("lineage", "--json"), ("verify",), ("chat", "G1", "-p", "x")]
)
def test_a_full_disk_is_told_as_that(workspace: Path, args: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = luna("-w", workspace, *args, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert "crash-" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_closed_stdout(workspace: Path) -> None:
    done = luna("-w", workspace, "lineage", preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_both_spellings_of_version(run: Run) -> None:
    assert run("-V").out == run("--version").out != ""


@pytest.mark.parametrize("args", [["--help"], ["lineage"], ["chat", "HEAD"]])
def test_python_without_docstrings_is_told_in_one_line(args: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-OO", "-m", "luna_tui", *args], env=child_env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "without -OO" in done.stderr
    one = subprocess.run(
        [sys.executable, "-O", "-m", "luna_tui", "--help"], env=child_env(), check=False, stdout=subprocess.DEVNULL
    )
    assert one.returncode == 0


def test_a_workspace_is_found_upwards_and_by_its_file(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = workspace / "curriculum" / "deep"
    inside.mkdir(parents=True)
    expected = run("-w", workspace, "lineage", "--json").out
    assert run("-w", workspace / "luna.toml", "lineage", "--json").out == expected
    assert run("-w", inside, "lineage", "--json").out == expected
    monkeypatch.chdir(inside)
    assert run("lineage", "--json").out == expected
    assert "G2" in run().out
    assert run("init", "own").code == 0, "init makes one here, wherever here is"
    assert (inside / "own" / "luna.toml").is_file()
    monkeypatch.setenv("LUNA_WORKSPACE", str(workspace / "luna.toml"))
    assert run("lineage", "--json").out == expected


def test_init_without_a_directory_stays_here_inside_another_workspace(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = workspace / "curriculum"
    monkeypatch.chdir(inside)
    assert run("init").code == 0
    assert (inside / "luna.toml").is_file()


def test_a_file_is_told_as_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    result = run("-w", file, "lineage")
    assert result.code == 2
    assert "this is a file" in result.err
    assert "no such directory" in run("-w", tmp_path / "gone", "lineage").err


def test_variables_that_set_nothing_are_told_with_the_near_one(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_TRAIN_BATCH_SIZE", "4")
    monkeypatch.setenv("LUNA_WORKSPACE", str(workspace))
    result = run("lineage", "--json")
    assert result.code == 0
    assert json.loads(result.out)
    assert result.err == "note: LUNA_TRAIN_BATCH_SIZE sets nothing; did you mean LUNA_TRAIN__BATCH_SIZE?\n"


def test_which_variables_set_nothing() -> None:
    assert list(idle_variables({"LUNA_CACHE": "x", "LUNA_TRAIN__SEED": "1", "PATH": "y", "LUNA_X": " "})) == []
    for name in variable_names():
        [note] = idle_variables({name.replace("__", "_"): "1"})
        assert note.endswith(f"did you mean {name}?")
    assert [note.rpartition(" ")[2] for note in idle_variables({"LUNA_WORKSPCE": "x", "LUNA_SEED": "1"})] == [
        "LUNA_TRAIN__SEED?",
        "LUNA_WORKSPACE?",
    ]


@pytest.mark.parametrize("raw", [b"caf\xe9", b"\xff\xfe", b"a\xc3", b"\xe2\x82", "größe 月".encode()])
def test_bytes_of_an_argument_reach_the_model_as_those_of_a_pipe(workspace: Path, raw: bytes) -> None:
    [piped] = read_prompts([raw + b"\n"])
    assert typed_text(os.fsdecode(raw)) == piped
    done = luna("-w", workspace, "chat", "G1", "--json", "--prompt", os.fsdecode(raw), capture_output=True)
    assert done.returncode == 0
    assert json.loads(done.stdout)["prompt"] == piped


def test_a_reason_of_any_bytes_is_kept(workspace: Path) -> None:
    done = luna(
        "-w",
        workspace,
        "rollback",
        "G1",
        "--yes",
        "--reason",
        os.fsdecode(b"caf\xe9"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert "caf\ufffd" in (workspace / "models" / "head.log").read_text()


def complete(words: str, **env: str) -> list[str]:
    """What bash offers for the last of the words."""
    parts = words.split(" ")
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1), "_LUNA_TUI_COMPLETE": "complete_bash"}
    done = luna_complete({**child_env(), **asked, **env})
    assert done.stderr == ""
    return done.stdout.split()


def luna_complete(env: dict[str, str]) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "luna_tui"], env=env, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_shell_completes_generations_targets_and_names(workspace: Path, tmp_path: Path) -> None:
    for words in ("chat ", "eval ", "rollback ", "export ", "matrix ", "study ", "compare G1 ", "train --parent "):
        assert complete(f"luna-tui -w {workspace} {words}") == ["HEAD", "base", "G2", "G1", "G0"], words
    assert complete(f"luna-tui chat -w {workspace} G") == ["G2", "G1", "G0"]
    assert complete("luna-tui chat HE", LUNA_WORKSPACE=str(workspace)) == ["HEAD"]
    assert complete("luna-tui export G1 --to l") == ["lmstudio", "llm", "llama-server"]
    assert complete("luna-tui train --backend ") == ["auto", "unsloth", "trl"]
    assert complete("luna-tui train --phase a") == ["auto", "align"]
    assert complete(f"luna-tui -w {tmp_path / 'none'} chat ") == []
    (workspace / "models" / "lineage_ledger.csv").write_text("damaged\n")
    assert complete(f"luna-tui -w {workspace} chat ") == []


def test_the_bare_call_finds_the_workspace_upwards(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "ws", generations=1)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "luna_tui"], cwd=root / "curriculum", env=child_env(PYTHONPATH=str(ROOT)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "talk to HEAD" in done.stdout
