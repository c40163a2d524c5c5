"""The composition root: every command in one Typer app, and the mapping of errors to exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from luna_tui.cli.commands import (
    behaviors,
    chat,
    compare,
    doctor,
    evaluate,
    export,
    gc,
    inbox,
    init,
    ladder,
    lineage,
    matrix,
    questions,
    report,
    rollback,
    study,
    train,
    verify,
    watch,
)
from luna_tui.cli.commands.chats import group as chats
from luna_tui.cli.exit import ending
from luna_tui.cli.help_page import make_help_plain
from luna_tui.cli.invocation import Invocation, examples, help_text, invocation
from luna_tui.cli.unused_variables import print_unused_variables
from luna_tui.common.engine_facade import EngineFacade
from luna_tui.common.environment import own_version, prepare_environment, require_docstrings

COMMANDS: tuple[tuple[str, Callable[..., None], Sequence[str]], ...] = (
    ("init", init.init, init.EXAMPLES),
    ("train", train.train, train.EXAMPLES),
    ("eval", evaluate.evaluate, evaluate.EXAMPLES),
    ("lineage", lineage.lineage, lineage.EXAMPLES),
    ("matrix", matrix.matrix, matrix.EXAMPLES),
    ("rollback", rollback.rollback, rollback.EXAMPLES),
    ("chat", chat.chat, chat.EXAMPLES),
    ("watch", watch.watch, watch.EXAMPLES),
    ("compare", compare.compare, compare.EXAMPLES),
    ("study", study.study, study.EXAMPLES),
    ("report", report.report, report.EXAMPLES),
    ("ladder", ladder.ladder, ladder.EXAMPLES),
    ("behaviors", behaviors.behaviors, behaviors.EXAMPLES),
    ("questions", questions.questions, questions.EXAMPLES),
    ("export", export.export, export.EXAMPLES),
    ("verify", verify.verify, verify.EXAMPLES),
    ("doctor", doctor.doctor, doctor.EXAMPLES),
    ("gc", gc.gc, gc.EXAMPLES),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"luna-tui {own_version()}")
        raise typer.Exit


def top(
    context: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "-w",
            "--workspace",
            metavar="DIR",
            envvar="LUNA_WORKSPACE",
            help="The workspace, if it is not this directory.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Print the version and leave.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Evolve one small language model in tiny, audited generations: train, ship, examine, accept or reject, record.

    Without a command: the console, or without a terminal where the lineage stands and what to do next. Exit codes:
    0 ok, 1 failed, 2 usage or bad input, 3 rejected or stopped, 4 ledger or artefact damaged, 130 interrupted.
    """
    call = invocation(context)
    call.named = workspace if workspace is None or str(workspace) != "." else None
    print_unused_variables()
    if context.invoked_subcommand is None:
        from luna_tui.cli.commands.console import can_open, open_console

        if can_open():
            raise typer.Exit(open_console(call))
        from luna_tui.cli.status import print_status

        print_status(call)


def build_app() -> typer.Typer:
    """Return the whole command line as a Typer app; an `Invocation` must be passed to it as `obj`."""
    built = typer.Typer(
        name="luna-tui",
        invoke_without_command=True,
        # main() writes tracebacks to a log file.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    top_examples = examples(
        "luna-tui init demo --demo && luna-tui -w demo train --generations 4",
        "luna-tui -w demo lineage",
        "luna-tui -w demo chat HEAD",
    )
    built.callback(help=help_text(top), epilog=top_examples)(top)
    for name, function, lines in COMMANDS:
        built.command(name, help=help_text(function), epilog=examples(*lines))(function)
    built.add_typer(inbox.build(), name="inbox")
    built.add_typer(chats.build(), name="chats")
    return built


def main(engine: EngineFacade | None = None) -> None:
    """Run `luna-tui` on this process's arguments and exit; tests pass their own engine."""
    prepare_environment()
    with ending():
        require_docstrings()
        command = typer.main.get_command(build_app())
        make_help_plain(command)
        # Not "standalone" mode, so that usage errors end like every other error of luna.
        code = command.main(
            obj=Invocation(engine=engine or EngineFacade()), prog_name="luna-tui", standalone_mode=False
        )
        sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
