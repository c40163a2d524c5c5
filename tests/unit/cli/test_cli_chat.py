"""`chat`: one answer, a pipe, a conversation; what a model says is never trusted by the terminal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pexpect
import pytest
from unit.cli.cli_fakes import FakeEngine
from unit.cli.conftest import Run, Spawn, child_command, child_env

FIELDS = ["gen", "prompt", "text", "tokens", "ms_first_token", "tokens_per_s", "stop_reason"]


def piped(workspace: Path, text: str | bytes, *args: str) -> subprocess.CompletedProcess[bytes]:
    command = [*child_command("play_accepted"), "-w", str(workspace), "chat", "G1", *args]
    data = text.encode() if isinstance(text, str) else text
    return subprocess.run(command, input=data, env=child_env(), capture_output=True, timeout=60, check=False)


def test_one_answer_on_stdout(run: Run, workspace: Path) -> None:
    engine = FakeEngine()
    args = ("--prompt", "Can you help me?", "--max-tokens", 9, "--temperature", 0.7, "--seed", 3)
    result = run("-w", workspace, "chat", "G1", *args, engine=engine)
    assert (result.code, result.out) == (0, "With what?\n")
    assert engine.talkers[0].asked == [{"prompt": "Can you help me?", "max_tokens": 9, "temperature": 0.7, "seed": 3}]
    assert engine.talkers[0].closed


def test_json_has_exactly_the_fields_of_the_contract_and_the_raw_text(run: Run, workspace: Path) -> None:
    result = run("-w", workspace, "chat", "G1", "--prompt", "evil", "--json")
    answer = json.loads(result.out)
    assert list(answer) == FIELDS
    assert answer["text"] == "\x1b[31mred\x1b]0;title\x07\u202eoff"
    assert (answer["gen"], answer["tokens"], answer["stop_reason"]) == (1, 3, "eos")
    assert "\x1b" not in result.out


def test_control_characters_do_not_reach_a_pipe_unless_asked(run: Run, workspace: Path) -> None:
    assert "\x1b" not in run("-w", workspace, "chat", "G1", "--prompt", "evil").out
    assert "\x1b[31mred" in run("-w", workspace, "chat", "G1", "--prompt", "evil", "--raw").out


@pytest.mark.parametrize("gen", ["9", "G9", "zzzz", "ffff"])
def test_an_unknown_generation_is_exit_2_before_anything_loads(run: Run, workspace: Path, gen: str) -> None:
    engine = FakeEngine()
    result = run("-w", workspace, "chat", gen, "--prompt", "x", engine=engine)
    assert result.code == 2
    assert engine.talkers == []
    assert "there is no generation" in result.err


def test_an_ambiguous_prefix_is_exit_2_with_the_candidates(run: Run, workspace: Path) -> None:
    path = workspace / "models" / "lineage_ledger.csv"
    path.write_text(path.read_text() + "3,2aaaaaaa,2aaaabbb,dddddddd,300,2e-4,41.5,2.9,0.4,1.0,0.97,0.0\n")
    result = run("-w", workspace, "chat", "2aaaa", "--prompt", "x")
    assert result.code == 2
    assert "G2" in result.err
    assert "G3" in result.err


@pytest.mark.parametrize("args", [("--prompt", " "), ("--max-tokens", "0"), ("--temperature", "-1"), ("--top-p", "2")])
def test_bad_arguments(run: Run, workspace: Path, args: tuple[str, str]) -> None:
    assert run("-w", workspace, "chat", "G1", *args).code == 2


def test_a_pipe_gets_one_answer_a_line(workspace: Path) -> None:
    done = piped(workspace, b"\xef\xbb\xbffirst\r\n\n   \nsome lines\nlast without end")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == ["With what?", "one\\ntwo", "With what?"]


def test_a_pipe_gets_one_object_a_line(workspace: Path) -> None:
    done = piped(workspace, b"some lines\n\xff\xfe broken\n", "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["text"] for answer in answers] == ["one\ntwo", "With what?"]
    assert answers[1]["prompt"] == "\ufffd\ufffd broken"
    assert all(list(answer) == FIELDS for answer in answers)


def test_a_reader_that_leaves_is_no_noise(workspace: Path) -> None:
    command = " ".join(f"'{part}'" for part in [*child_command("play_accepted"), "-w", str(workspace), "chat", "G1"])
    shell = f"yes prompt | head -n 5000 | {command} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", shell], env=child_env(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "With what?\n"
    assert done.stderr == ""


def test_conversation(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_accepted", "-w", workspace, "chat", "G1")
    child.expect("G1 > ")
    child.sendline("Can you help me?")
    child.expect("With what")
    child.expect("3 tok · 182 tok/s · eos")
    child.expect("G1 > ")
    child.sendline("evil")
    child.expect_exact("␛[31mred␛]0;title␇<U+202E>off")
    child.expect("G1 > ")
    child.sendline("/temp 0.7")
    child.expect("temperature 0.7")
    child.sendline("/seed x")
    child.expect("a number, please")
    child.sendline("/help")
    child.expect("/gen GEN")
    child.expect("G1 > ")
    child.sendline("/gen base")
    child.expect("base > ")
    child.sendline("/gen 77")
    child.expect("there is no generation 77")
    child.expect("base > ")
    child.sendeof()
    child.read()
    child.close()
    assert child.exitstatus == 0


def test_ctrl_c_ends_the_answer_and_not_the_conversation(spawn: Spawn, workspace: Path) -> None:
    child = spawn("play_accepted", "-w", workspace, "chat", "G1")
    child.expect("G1 > ")
    child.sendline("a long story")
    child.expect("and on")
    child.sendintr()
    child.expect("stopped")
    child.expect("G1 > ")
    # Between its prompt and its wait for a key, readline may miss a signal: press again then, as a person would.
    for _ in range(20):
        child.sendintr()
        if child.expect(["G1 > ", pexpect.TIMEOUT], timeout=3) == 0:
            break
    else:
        pytest.fail("Ctrl-C at an empty prompt gave no new prompt")
    child.sendline("hello")
    child.expect("With what")
    child.expect("G1 > ")
    child.sendline("/quit")
    child.read()
    child.close()
    assert child.exitstatus == 0


def test_prompts_come_back_with_the_arrow_key(spawn: Spawn, workspace: Path) -> None:
    for _ in range(2):
        child = spawn("play_accepted", "-w", workspace, "chat", "G1")
        child.expect("G1 > ")
        child.send("\x1b[A")
        if _ == 0:
            child.sendline("remember this")
            child.expect("With what")
            child.expect("G1 > ")
        else:
            child.expect("remember this")
            child.sendline()
            child.expect("With what")
            child.expect("G1 > ")
        child.sendeof()
        child.read()
        child.close()
