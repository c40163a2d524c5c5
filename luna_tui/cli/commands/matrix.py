"""`luna-tui matrix`: shows every generation of a line on every exam of that line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luna_tui.cli.completion import generations
from luna_tui.cli.invocation import Invocation, JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.workspace.layout import Workspace

EXAMPLES = (
    "luna-tui matrix",
    "luna-tui matrix G2                 # the line that ends at G2",
    "luna-tui matrix --fill             # ask for the missing cells, too",
    "luna-tui matrix --json | jq .bwt",
)


def matrix(
    context: typer.Context,
    gen: Annotated[
        str,
        typer.Argument(
            metavar="GEN",
            help="The end of the line: 3, G3, HEAD, or the beginning of a SHA.",
            autocompletion=generations,
        ),
    ] = "HEAD",
    fill: Annotated[
        bool, typer.Option("--fill", help="Ask for the cells that are missing; loads every model once.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show the forgetting matrix: how each generation does on the exam of every other, with what was forgotten.

    What was recorded is shown at once. --fill asks for the rest: the base, and each generation on the exams of later
    ones. It is kept, so that nothing is asked twice; what Ctrl-C interrupts keeps the cells that are done.
    """
    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    found = call.engine.read_matrix(opened, config, gen)
    if fill and found["missing"]:
        found = _fill(call, opened, gen, quiet=as_json)
        if found.get("unkept"):
            from luna_tui.common.safe_text import safe_line

            print(f"what was asked is not kept: {safe_line(found['unkept'])}", file=sys.stderr)
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(found)
    elif not found["exams"]:
        _say_why_empty(call, opened, found)
    else:
        from luna_tui.cli.tables.matrix import print_matrix
        from luna_tui.common.terminal import stdout_console

        name = "" if gen.upper() == "HEAD" else f" {found['ref']}"
        print_matrix(stdout_console(), found, f"{call.command(f'matrix{name} --fill')} asks for them")


def _fill(call: Invocation, workspace: Workspace, gen: str, *, quiet: bool) -> dict[str, Any]:
    from engine.service.requests import FillMatrixRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    with (
        quiet_output(workspace.runs / "eval.log") as streams,
        bar("asking", quiet=quiet, stream=streams.err) as progress,
    ):
        return run_job(call, workspace, FillMatrixRequest(gen), progress=progress)


def _say_why_empty(call: Invocation, workspace: Workspace, found: dict[str, Any]) -> None:
    from rich.text import Text

    from luna_tui.common.terminal import stdout_console

    console = stdout_console()
    if not workspace.ledger.read():
        said = Text.assemble("no generations yet; the first one: ", (call.command("train"), "cyan"))
    elif found["ref"] == "base":
        said = Text("the base has no exam: name a generation")
    else:
        said = Text(f"no generation on the way to {found['ref']} has an exam in this workspace")
    console.print(said, soft_wrap=True)
