"""`luna-tui export`: writes a generation in another program's format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.counted import alternatives
from engine.publish.targets import TARGETS
from luna_tui.cli.completion import targets
from luna_tui.cli.invocation import GenArgument, JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.publish.publish import ExportResult

EXAMPLES = (
    "luna-tui export HEAD --to ollama ./luna",
    "luna-tui export G2 --to lmstudio ~/.lmstudio/models",
    "luna-tui export G2 --to llama-server ./serve --force",
    "luna-tui export HEAD --to hf ./luna-hf       # full-precision weights",
)


def export(
    context: typer.Context,
    gen: GenArgument,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if need be.")],
    target: Annotated[
        str,
        typer.Option("--to", metavar="TARGET", help=f"{alternatives(TARGETS)}.", autocompletion=targets),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a generation in the form another program expects, with raw prompts set up there.

    The model is checked by its SHA-256 after copying; LUNA.json beside it says what it is and how it scored. A GGUF
    that gc collected is rebuilt first.
    """
    from engine.service.requests import ExportRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    with (
        quiet_output(opened.runs / "export.log") as streams,
        bar("exporting", quiet=as_json, stream=streams.err) as progress,
    ):
        request = ExportRequest(gen, target, directory, force)
        result = run_job(call, opened, request, config=config, progress=progress)
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(result.to_dict())
        return
    _show(result)


def _show(result: ExportResult) -> None:
    from rich.text import Text

    from luna_tui.common import figures
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    console = stdout_console()
    glyphs = console.glyphs
    model = result.files[0]
    size = figures.size(model.stat().st_size)
    console.print(
        Text.assemble((f"{glyphs.accepted} ", "green"), f"{result.label} for {result.target}: ", (size, "bold")),
    )
    for file in result.files:
        console.print(Text(f"  {safe_line(str(file))}", "dim"), soft_wrap=True)
    console.print(Text.assemble(("sha256 ", "dim"), result.sha), soft_wrap=True)
    console.print(Text.assemble(("next: ", "dim"), (safe_line(result.command), "cyan")), soft_wrap=True)
