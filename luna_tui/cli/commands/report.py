"""`luna-tui report`: writes a workspace's findings as Markdown and as one HTML page with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

EXAMPLES = (
    "luna-tui report                    # report/report.md and report/report.html in the workspace",
    "luna-tui report --out docs/study",
    "luna-tui report --json | jq .html",
)


def report(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Where it goes; report/ in the workspace if not given."),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the report: the verdict first, then the lineage, the forgetting matrix, the study, the ladder and the
    comparisons, each where it exists, with pictures, intervals, and the commands and hashes to do it again.

    Reads what is recorded and loads no model. Only the report's own files are replaced.
    """
    from luna_tui.report.writing import write_report

    call = invocation(context)
    opened = call.workspace()
    written = write_report(opened, call.engine.config(opened.root), out or opened.root / "report")
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(written)
        return
    from rich.text import Text

    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    console = stdout_console()
    console.print(Text(safe_line(written["verdict"])), soft_wrap=not console.is_terminal)
    for key in ("markdown", "html"):
        console.print(Text.assemble((f"{key:<9}", "dim"), (safe_line(written[key]), "cyan")), soft_wrap=True)
