"""What every command receives: the workspace, the engine, and the options that all commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from luna_tui.cli.calling import Invocation
from luna_tui.cli.completion import generations


def invocation(context: typer.Context) -> Invocation:
    """Return the invocation that a command belongs to; raises RuntimeError when the command line was started without
    one.
    """
    found = context.find_object(Invocation)
    if found is None:
        raise RuntimeError("the command line was started without its invocation")
    return found


def _name_workspace(context: typer.Context, value: Path | None) -> Path | None:
    if value is not None:
        invocation(context).named = value
    return value


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "-w",
        "--workspace",
        metavar="DIR",
        help="The workspace, if it is not this directory.",
        callback=_name_workspace,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
GenArgument = Annotated[
    str,
    typer.Argument(
        metavar="GEN",
        help="A generation: 3, G3, HEAD, base, or the beginning of a SHA.",
        autocompletion=generations,
    ),
]


def examples(*lines: str) -> str:
    """Return the examples that end a help text."""
    return "\n".join(["Examples:", *(f"$ {line}" for line in lines)])


def help_text(command: Callable[..., None]) -> str:
    """Return a command's docstring with each paragraph on one line, so that it wraps at the terminal's width."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
