"""`luna-tui ladder`: finds the smallest base model that is enough."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

EXAMPLES = (
    "luna-tui ladder                    # the rungs of [model] ladder, smallest first",
    "luna-tui ladder --generations 2    # a shorter course for each rung",
    "luna-tui ladder --cards mine.jsonl",
    "luna-tui ladder --json | jq .sentence",
)


def ladder(
    context: typer.Context,
    cards: Annotated[
        Path | None, typer.Option("--cards", metavar="FILE", help="Ask these cards, not luna.toml's.")
    ] = None,
    generations: Annotated[
        int | None,
        typer.Option("--generations", "-n", min=1, metavar="N", help="Evolve each rung so far, not as luna.toml says."),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Find the smallest base that solves the challenge cards; a bigger one is tried only if it is not enough.

    Each rung goes through the same curriculum in a workspace of its own below ladder/; this lineage is not touched.
    Ctrl-C stops with a checkpoint, the next call goes on. Exit code 3: the stop rule says that the data is at fault.
    """
    from engine.core.errors import Interrupted
    from engine.experiments.ladder.search import prepare_ladder
    from luna_tui.cli.train.ladder_runner import LadderRunner
    from luna_tui.common.quiet_output import quiet_output

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    with quiet_output(opened.runs / "ladder.log") as streams:
        prepared = prepare_ladder(
            opened, config, cards=cards.expanduser().resolve() if cards else None, generations=generations
        )
        try:
            report = LadderRunner(call, streams).climb(prepared)
        except Interrupted:
            report = None
    if report is None:
        _say_interrupted(call.command("ladder"))
        raise typer.Exit(130)
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(report.to_dict())
    else:
        from luna_tui.cli.tables.ladder import print_ladder
        from luna_tui.common.terminal import stdout_console

        print_ladder(stdout_console(), report.to_dict(), call.root)
    raise typer.Exit(report.exit_code)


def _say_interrupted(command: str) -> None:
    from rich.text import Text

    from luna_tui.common.terminal import stderr_console

    console = stderr_console()
    console.print(Text("interrupted; what was trained is kept", "yellow"), soft_wrap=True)
    console.print(Text.assemble("go on with: ", (command, "cyan")), soft_wrap=True)
