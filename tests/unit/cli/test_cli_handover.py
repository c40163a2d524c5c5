"""Leaving the console while the training goes on: a process of its own takes over."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from unit.cli.cli_fakes import make_workspace
from unit.cli.conftest import child_env

from engine.core.errors import LunaError
from engine.workspace.attach import lock_holder
from engine.workspace.layout import Workspace
from luna_tui.cli.calling import Invocation
from luna_tui.cli.commands import console
from luna_tui.common.handover import hand_over

ROOT = Path(__file__).resolve().parents[3]

# What stands for `python` below: it says how it was started, holds the workspace, and waits to be ended.
CHILD = f"""#!{sys.executable}
import json, os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
import time
from pathlib import Path
from engine.workspace.runs import Run, RunStatus
from engine.workspace.layout import Workspace
try:
    os.close(os.open("/dev/tty", os.O_RDWR))
    terminal = True
except OSError:
    terminal = False
facts = {{"arguments": sys.argv[1:], "leader": os.getsid(0) == os.getpid(), "terminal": terminal,
         "directory": os.getcwd(), "input": sys.stdin.read()}}
Path("facts.json").write_text(json.dumps(facts))
print("said on stdout", flush=True)
print("said on stderr", file=sys.stderr, flush=True)
signal.alarm(60)
workspace = Workspace(Path.cwd())
with workspace.lock("training"):
    run = Run.new(workspace, 0)
    run.write_state(RunStatus(run.run_id, 0, "running", ("prepare",), 0.0, time.time()))
    signal.pause()
"""


def stand_in(directory: Path, text: str) -> Path:
    """An executable to be started in place of Python."""
    path = directory / "python"
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws").resolve()


@pytest.fixture
def child(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The pid of a process that the training was handed over to."""
    monkeypatch.setattr(sys, "executable", str(stand_in(tmp_path, CHILD)))
    (root / "runs").mkdir(exist_ok=True)
    (root / "runs" / "headless.log").write_text("of an earlier day\n")
    pid = hand_over(root, generations=3, resume=True, arguments=["--seed", "7"])
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_it_is_a_process_of_its_own(root: Path, child: int) -> None:
    holder = lock_holder(Workspace(root))
    assert holder is not None
    assert holder.pid == child, "it is at work when the console says so"
    facts = json.loads((root / "facts.json").read_text())
    assert facts["arguments"][-8:] == ["-w", str(root), "train", "--resume", "--generations", "3", "--seed", "7"]
    assert "-P" in facts["arguments"], "a workspace's own random.py is not what Python imports"
    assert facts["leader"], "a session of its own, so that no hangup and no Ctrl-C of this terminal reaches it"
    assert not facts["terminal"]
    assert facts["directory"] == str(root)
    assert facts["input"] == ""
    log = (root / "runs" / "headless.log").read_text().split("\n")
    assert log == ["of an earlier day", "said on stdout", "said on stderr", ""]


def test_a_hangup_of_the_console_does_not_reach_it(root: Path, tmp_path: Path) -> None:
    import pexpect

    executable = stand_in(tmp_path, CHILD)
    code = (
        f"import signal, sys; sys.executable = {str(executable)!r}; from pathlib import Path; "
        "from luna_tui.common.handover import hand_over; "
        f"print('pid', hand_over(Path({str(root)!r}), generations=1, resume=False, arguments=[]), flush=True); "
        # Not a read: the lost line would end that first, and now and then the whole process before the signal comes.
        "signal.pause()"
    )
    console = pexpect.spawn(sys.executable, ["-c", code], env=child_env(), timeout=60)  # pyright: ignore[reportArgumentType]
    console.expect(r"pid (\d+)\r")
    pid = int(console.match.group(1))  # pyright: ignore[reportOptionalMemberAccess]
    try:
        os.close(console.child_fd)  # the line is lost: the kernel hangs up on the console's whole session
        _, status = os.waitpid(console.pid, 0)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGHUP, "the console has died of it"
        console.child_fd, console.closed = -1, True
        holder = lock_holder(Workspace(root))
        assert holder is not None
        assert holder.pid == pid, "and this one works on"
    finally:
        os.kill(pid, signal.SIGKILL)


def test_one_that_cannot_begin_is_not_passed_off_as_going_on(root: Path) -> None:
    (root / "runs").mkdir(exist_ok=True)
    (root / "runs" / "headless.log").write_text("error: of an earlier day\n")
    with pytest.raises(LunaError, match="no such file or directory") as caught:
        hand_over(root, generations=1, resume=False, arguments=["--data", "/nowhere"])
    assert caught.value.where == str(root / "runs" / "headless.log")
    assert caught.value.hint.endswith("luna-tui train")
    assert "of an earlier day" not in caught.value.title


def test_one_that_is_refused_only_when_it_has_the_workspace(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = "time.sleep(0.5)\n    sys.exit('error: packages changed\\n  fix: begin anew')"
    monkeypatch.setattr(sys, "executable", str(stand_in(tmp_path, CHILD[: CHILD.index("run = ")] + refused)))
    with pytest.raises(LunaError, match="has ended: packages changed") as caught:
        hand_over(root, generations=1, resume=True, arguments=[])
    assert caught.value.hint.endswith("luna-tui train --resume")


def test_one_that_dies_without_a_word(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(stand_in(tmp_path, "#!/bin/sh\nkill -9 $$\n")))
    with pytest.raises(LunaError, match="it said nothing"):
        hand_over(root, generations=1, resume=False, arguments=[])


@pytest.mark.parametrize("fails", [False, True])
def test_what_goes_on_beside_a_run_that_is_handed_over_is_ended_in_order(fails: bool) -> None:
    """An export beside it writes files, which the end of this process would tear."""
    done: list[str] = []

    class Link:
        run = object()

        def hand_over(self) -> int:
            done.append("handed over")
            if fails:
                raise LunaError("it does not start")
            return 4711

        def close(self, *, wait: bool) -> None:
            done.append("closed")

    with pytest.raises(LunaError) if fails else nullcontext():
        console._leave([Link()], "headless", io.StringIO(), Invocation())  # type: ignore[list-item]
    assert done == ["handed over", "closed"]
