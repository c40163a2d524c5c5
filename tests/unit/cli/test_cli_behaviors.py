"""`behaviors`: pairs on stdout or in a file, the report beside them, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

from unit.cli.conftest import Run

PERSONA = str(Path(__file__).resolve().parents[3] / "examples" / "personas" / "luna.toml")


def test_pairs_go_to_stdout_and_the_report_to_stderr(run: Run) -> None:
    result = run("behaviors", "--persona", PERSONA, "--count", "48")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 0
    assert len(rows) == 48
    assert set(rows[0]) == {"prompt", "response", "topic"}
    assert "48 pairs over 12 situations, 4 to 4 each" in result.err


def test_a_file_and_the_report_as_json(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "tone.jsonl"
    result = run("behaviors", "--persona", PERSONA, "--count", "24", "-o", str(out), "--json")
    assert json.loads(result.out)["rows"] == 24 == len(out.read_text().splitlines())


def test_a_file_is_not_replaced_unasked(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "tone.jsonl"
    out.write_text("mine\n")
    result = run("behaviors", "--persona", PERSONA, "-o", str(out))
    assert (result.code, out.read_text()) == (2, "mine\n")
    assert "--force" in result.err
    assert run("behaviors", "--persona", PERSONA, "--count", "12", "-o", str(out), "--force").code == 0
    assert len(out.read_text().splitlines()) == 12


def test_mistakes_are_one_message_and_exit_2(run: Run, tmp_path: Path) -> None:
    for arguments, said in (
        (("--persona", str(tmp_path / "none.toml")), "no such persona"),
        (("--persona", PERSONA, "--count", "100000"), "too small for 100000"),
        (("--persona", PERSONA, "--json"), "-o FILE"),
        (("--persona", PERSONA, "-o", str(tmp_path)), "--force"),
    ):
        result = run("behaviors", *arguments)
        assert result.code == 2, arguments
        assert said in result.err
        assert "Traceback" not in result.err
