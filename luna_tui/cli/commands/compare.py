"""`luna-tui compare`: compares models on the same items, and states which differences chance explains."""

from __future__ import annotations

from typing import Annotated

import typer

from luna_tui.cli.completion import generations
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

EXAMPLES = (
    "luna-tui compare G1 G3             # what G3 gained and lost against G1",
    "luna-tui compare base G0 G1 --refusals",
    "luna-tui compare HEAD ~/models/bigger-1b-q8_0.gguf",
    "luna-tui compare G1 G3 --json | jq .pairs[0].all",
)


def compare(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="GEN GEN...", help="Generations, base, or paths of GGUF files.", autocompletion=generations
        ),
    ],
    refusals: Annotated[
        bool, typer.Option("--refusals", help="Ask the refusal set too, and show all answers side by side.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put models through the same exams, tone probes and challenge cards, and compare the first with each other one.

    Items that one of them was trained on are left out. Differences that chance explains are called within noise (exact
    McNemar test). Also tells speed, memory, exams too small for their target, and questions that training asks in
    nearly the same words. Kept in compare/ for the report; changes nothing else.
    """
    from engine.evaluation.compare import compare_models
    from engine.service.requests import TaskRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    request = TaskRequest(
        "comparing",
        lambda progress, control: compare_models(
            opened, config, models, refusals=refusals, progress=progress, control=control
        ),
    )
    with (
        quiet_output(opened.runs / "eval.log") as streams,
        bar("comparing", quiet=as_json, stream=streams.err) as progress,
    ):
        found = run_job(call, opened, request, progress=progress)
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(found)
        return
    from luna_tui.cli.tables.compare import print_comparison
    from luna_tui.common.terminal import stdout_console

    print_comparison(stdout_console(), found)
