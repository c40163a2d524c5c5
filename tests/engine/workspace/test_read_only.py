"""A workspace that this person may only read: what reads works, and what writes says what it cannot write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace

from ledger.head import HeadStore

PACKAGES = Path(__file__).parents[3]
# Root writes where it may not. Without this capability the kernel asks root, too, for permission.
_BOUND = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]

Luna = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def read_only(evolved: TinyWorkspace) -> Iterator[TinyWorkspace]:
    """G0 to G3, with the base's row and G0's exam never asked of all, in folders that nobody may write."""
    paths = [evolved.root, *evolved.root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield evolved
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def luna(read_only: TinyWorkspace) -> Luna:
    """The command line, with no more rights than its owner's."""
    command = [sys.executable, "-m", "luna_tui", "-w", str(read_only.root)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root without setpriv may write everywhere")
        command = [*_BOUND, *command]
    env = {**os.environ, "PYTHONPATH": str(PACKAGES), "NO_COLOR": "1"}

    def call(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=env, input=stdin, capture_output=True, text=True, timeout=300, check=False
        )

    return call


def test_what_reads_reads(luna: Luna, read_only: TinyWorkspace) -> None:
    said = luna("chat", "HEAD", "--prompt", "Who are you?", "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["gen"] == 3
    said = luna("eval", "HEAD", "--only", "generalization", "--json")
    assert said.returncode == 0, said.stderr
    said = luna("matrix", "G1", "--fill", "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["missing"] == 0
    assert said.stderr.count("not kept") == 1, "the next one has to ask again, and that is said once"
    said = luna("compare", "G0", "G1", "--json")
    assert said.returncode == 0, said.stderr
    assert any("could not be kept" in warning for warning in json.loads(said.stdout)["warnings"])
    assert [luna(command).returncode for command in ("lineage", "verify")] == [0, 0]


def test_what_writes_says_what_it_cannot_write(luna: Luna, read_only: TinyWorkspace, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "Something new?", "response": "Yes."}\n')
    models, inbox = read_only.workspace.models, read_only.root / "inbox"
    for arguments, where in (
        (("rollback", "G1", "--yes"), models),
        (("train",), models),
        (("gc", "--yes"), models),
        (("inbox", "add", str(rows)), inbox),
    ):
        said = luna(*arguments)
        assert said.returncode in (1, 2), (arguments, said.stderr)
        assert str(where) in said.stderr, (arguments, said.stderr)
        assert "Permission denied" in said.stderr
        assert "owner and mode" in said.stderr
        assert "Traceback" not in said.stderr
        assert "unexpected" not in said.stderr
        assert "in use" not in said.stderr
        assert said.stderr.count("error:") == 1, (arguments, said.stderr)


def test_doctor_says_that_it_is_read_only(luna: Luna) -> None:
    found = json.loads(luna("doctor", "--json").stdout)
    [writing] = [finding for finding in _findings(found) if finding["what"] == "writing"]
    assert writing["level"] == "warn"
    for name in ("the workspace", "models", "runs", "models/lineage_ledger.csv", "models/.lock"):
        assert f"{name} (Permission denied)" in writing["detail"]


def _findings(found: object) -> list[dict[str, str]]:
    if isinstance(found, list):
        return found
    assert isinstance(found, dict)
    return next(value for value in found.values() if isinstance(value, list))


def test_a_head_that_a_crash_left_behind_is_read_where_it_cannot_be_mended(
    evolved: TinyWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (evolved.workspace.models / "HEAD").write_text("G2\n")
    opened = os.open

    def refuse(path: object, flags: int, *more: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert HeadStore(evolved.workspace.models).current() == 3
