"""The console over a real SSH line to a server on loopback; the client dies in mid-training and nothing is lost."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.conftest import Held
from terminal import ROOT, Terminal, console_env

SSHD = shutil.which("sshd") or ("/usr/sbin/sshd" if Path("/usr/sbin/sshd").exists() else None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="needs Debian's openssh-server and -client"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], object], what: str, timeout: float = 120.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)


@pytest.fixture
def ssh_command(tmp_path: Path) -> Iterator[list[str]]:
    """`ssh` to a server of the test's own, with a key of the test's own."""
    assert SSHD is not None
    home = tmp_path / "ssh"
    home.mkdir(mode=0o700)
    host, mine, port = key(home / "host"), key(home / "mine"), free_port()
    shutil.copyfile(mine.with_suffix(".pub"), home / "authorized_keys")
    (home / "authorized_keys").chmod(0o600)
    config = home / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {home}/authorized_keys\n"
        f"PidFile {home}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where Debian's server leaves its privileges
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=(home / "log").open("w"))
    try:
        wait_for(lambda: accepts(port) or server.poll() is not None, "the server", 20)
        if server.poll() is not None:
            pytest.skip(f"this sshd does not start: {(home / 'log').read_text()[-300:]}")
        known = ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={home}/known"]
        where = ["-p", str(port), f"{getpass.getuser()}@127.0.0.1"]
        yield ["ssh", "-tt", "-F", "none", "-i", str(mine), "-o", "IdentitiesOnly=yes", *known, *where]
    finally:
        server.terminate()
        server.wait(10)


def test_a_killed_client_loses_nothing(held: Held, ssh_command: list[str]) -> None:
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    settings = f"LANG=C.UTF-8 LUNA_CACHE={os.environ['LUNA_CACHE']} PYTHONPATH={paths}"
    remote = f"cd {ROOT} && {settings} {shlex.join(held.luna())}"
    terminal = Terminal([*ssh_command, remote], env=console_env())
    try:
        terminal.see(r"t trains|nothing evolved yet", timeout=60)
        terminal.press("t")
        terminal.see(r"(?i)generations")
        terminal.press("enter")
        terminal.see(held.in_its_middle, timeout=90)
        os.kill(terminal.child.pid, signal.SIGKILL)
    finally:
        terminal.child.close(force=True)
    held.go_on()
    ledger = held.root / "models" / "lineage_ledger.csv"
    wait_for(lambda: ledger.exists() and len(ledger.read_text().splitlines()) == 2, "the ledger's row")
    journal = next(held.root.glob("runs/*/events.jsonl"))
    wait_for(lambda: '"run_finished"' in journal.read_text(), "the end of the run")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [e["step"] for e in events if e["type"] == "train_step"] == list(range(1, held.steps + 1))
    assert events[-1]["verdict"] == "accepted"
