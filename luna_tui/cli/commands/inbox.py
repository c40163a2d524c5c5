"""`luna-tui inbox`: lists the rows that wait for the next generation, and imports more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.counted import counted
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, examples, help_text, invocation

if TYPE_CHECKING:
    from engine.service.inbox_import import Incoming
    from engine.service.karma import Meter
    from luna_tui.common.terminal import LunaConsole

EXAMPLES = ("luna-tui inbox list", "luna-tui inbox add chats.jsonl more.csv", "luna-tui inbox list --all --json")
_SHOWN = 40


def add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of conversations, any known format.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring files of conversations into the inbox; they are copied as they are.

    Formats and rows are those of the curriculum. Rows with `karma` of their own keep it; the others count
    [age_up] import_karma each.
    """
    from datetime import date

    from engine.service.inbox_import import import_file
    from luna_tui.cli.json_output import write_document
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    brought = [import_file(opened, config, path, date.today()) for path in files]
    meter = call.engine.karma_meter(opened, config)
    if as_json:
        listed = [
            {
                "file": str(one.path.relative_to(opened.root)),
                "rows": one.rows,
                "known": one.known,
                "unmeasured": one.unmeasured,
                "bad": [{"line": bad.line, "reason": bad.reason} for bad in one.bad],
            }
            for one in brought
        ]
        write_document({"added": listed, "karma": meter.to_dict()})
        return
    console = stdout_console()
    for one in brought:
        known = f", {one.known} known already" if one.known else ""
        name = safe_line(str(one.path.relative_to(opened.root)))
        console.print(
            f"{console.glyphs.accepted} {name}: {counted(one.rows, 'new row')}{known}", markup=False, highlight=False
        )
        for bad in one.bad:
            console.print(f"  line {bad.line} left out: {safe_line(bad.reason)}", markup=False, style="yellow")
        if one.unmeasured:
            long = counted(one.unmeasured, "long row is", "long rows are")
            why = f"  {long} not measured, since the base model has no tokenizer here yet; training leaves out what is"
            console.print(f"{why} longer than the context", style="yellow")
    _print_meter(console, meter)


def list_rows(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also what was learnt, tried or replaced.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show the rows that wait for the next generation, their karma, and how much more it takes."""
    from engine.service.inbox_import import inbox_entries
    from luna_tui.cli.json_output import write_document
    from luna_tui.common.terminal import stdout_console

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    entries, bad = inbox_entries(opened, config, opened.lineage())
    meter = call.engine.karma_meter(opened, config)
    shown = [entry for entry in entries if everything or entry.state == "waiting"]
    if as_json:
        write_document(
            {
                "rows": [entry.to_dict() for entry in shown],
                "bad": [{"file": row.file, "line": row.line, "reason": row.reason} for row in bad],
                "karma": meter.to_dict(),
            }
        )
        return
    console = stdout_console()
    if shown:
        _print_rows(console, shown)
    elif not entries:
        console.print("the inbox is empty: rate answers in the console (+ - e), or luna-tui inbox add FILE")
    if len(shown) < len(entries):
        console.print(f"{counted(len(entries) - len(shown), 'more row')} done with: --all shows them", style="dim")
    if bad:
        console.print(f"{counted(len(bad), 'bad row')} left out; the first: {bad[0]}", style="yellow", markup=False)
    _print_meter(console, meter)


def build() -> typer.Typer:
    """Return the Typer group of the commands `add` and `list`."""
    group = typer.Typer(no_args_is_help=True, help=help_text(group_help), epilog=examples(*EXAMPLES))
    group.command("add", help=help_text(add), epilog=examples("luna-tui inbox add chats.jsonl"))(add)
    group.command("list", help=help_text(list_rows), epilog=examples(EXAMPLES[0], EXAMPLES[2]))(list_rows)
    return group


def group_help() -> None:
    """The inbox: rated, corrected and imported rows that wait for the next generation."""


def _print_rows(console: LunaConsole, entries: list[Incoming]) -> None:
    from rich.table import Table
    from rich.text import Text

    from luna_tui.common.safe_text import safe_line

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("karma", justify="right")
    for name in ("prompt", "answer", "state"):
        table.add_column(name, overflow="ellipsis", no_wrap=True, ratio=None if name == "state" else 1)
    for entry in entries[-_SHOWN:]:
        style = "" if entry.state == "waiting" else "dim"
        cells = (f"{entry.karma:+g}", entry.row.prompt, entry.row.response, entry.state)
        table.add_row(*(Text(safe_line(cell)) for cell in cells), style=style)
    if len(entries) > _SHOWN:
        console.print(f"the last {_SHOWN} of {len(entries)} rows; --json has all", style="dim")
    console.print(table)


def _print_meter(console: LunaConsole, meter: Meter) -> None:
    from luna_tui.cli.tables.karma import karma_line

    console.print(karma_line(meter, console.glyphs))
