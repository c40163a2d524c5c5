"""Help says what the source says: no text is eaten as markup, and arguments stand in the usual notation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from unit.cli.conftest import Run

from luna_tui.cli.app import build_app


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command as the source has it, with the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


ALL = dict(commands(typer.main.get_command(build_app())))


def words(text: str) -> str:
    """The text without line ends and frames, as it would stand on one endless line."""
    return " ".join(text.replace("│", " ").split())


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A screen on which nothing wraps."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 1000)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_text_is_shown_as_it_is_written(run: Run, path: tuple[str, ...]) -> None:
    command = ALL[path]
    shown = words(run(*path, "--help").out)
    assert words(command.help) in shown
    assert words(command.epilog) in shown
    for parameter in command.params:
        assert words(parameter.help) in shown
    for below in getattr(command, "commands", {}).values():
        assert words(below.help.split("\n\n")[0]) in shown


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_arguments_and_flags_in_the_usual_notation(run: Run, path: tuple[str, ...]) -> None:
    out = run(*path, "--help").out
    [usage] = [line for line in out.splitlines() if line.strip().startswith("Usage:")]
    assert re.fullmatch(
        r" *Usage: luna-tui( [a-z]+)* \[OPTIONS\]( COMMAND \[ARGS\]\.\.\.)?( [A-Z .]+| \[[A-Z]+\])* *", usage
    )
    assert "{" not in usage
    assert "[[" not in usage
    for kind in ("<bool>", "<str>", "<path>", "<list["):
        assert kind not in out


@pytest.mark.parametrize(
    ("path", "usage"),
    [
        ("matrix", "luna-tui matrix [OPTIONS] [GEN]"),
        ("compare", "luna-tui compare [OPTIONS] GEN GEN..."),
        ("inbox add", "luna-tui inbox add [OPTIONS] FILE..."),
        ("export", "luna-tui export [OPTIONS] GEN DIR"),
        ("init", "luna-tui init [OPTIONS] [DIR]"),
    ],
)
def test_usage(run: Run, path: str, usage: str) -> None:
    assert f"Usage: {usage} " in run(*path.split(), "--help").out + " "
