"""`luna-tui verify`: recomputes and checks everything that is recorded."""

from __future__ import annotations

import time

import typer

from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

EXAMPLES = (
    "luna-tui verify",
    "luna-tui -w demo verify --json | jq .problems",
)


def verify(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Recompute every hash, the chain of manifests, HEAD and its log, and that nothing held out was ever trained on.

    Changes nothing. Exit code 4: something is not as it was recorded; each problem names its file and generation.
    """
    from rich.text import Text

    from engine.core.counted import counted
    from engine.service.requests import VerifyRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common import figures
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    call = invocation(context)
    opened = call.workspace()
    began = time.monotonic()
    with bar("verifying", quiet=as_json) as progress:
        report = run_job(call, opened, VerifyRequest(), progress=progress)
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(report.to_dict())
        raise typer.Exit(0 if report.ok else 4)
    console = stdout_console()
    glyphs = console.glyphs
    for note in report.notes:
        console.print(Text(f"{glyphs.dot} {safe_line(note)}", "dim"), soft_wrap=True)
    if report.ok:
        spent = figures.duration(time.monotonic() - began)
        files = f"{counted(report.checked, 'file')} {'is' if report.checked == 1 else 'are'} what was recorded"
        console.print(Text(f"{glyphs.accepted} ok: {files} ({spent})", "green"))
        return
    console.print(_table([(p.gen, p.file, p.problem) for p in report.problems]))
    count = len(report.problems)
    console.print(
        Text(f"{glyphs.rejected} {counted(count, 'problem')} in {counted(report.checked, 'file')}", "bold red")
    )
    raise typer.Exit(4)


def _table(problems: list[tuple[int | str | None, str, str]]) -> object:
    from rich.table import Table
    from rich.text import Text

    from luna_tui.common.safe_text import safe_line

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("gen", no_wrap=True)
    table.add_column("file", overflow="fold")
    table.add_column("problem", overflow="fold")
    for gen, file, problem in problems:
        label = f"G{gen}" if isinstance(gen, int) else safe_line(str(gen or ""))
        table.add_row(Text(label, "bold"), Text(safe_line(file)), Text(safe_line(problem), "red"))
    return table
