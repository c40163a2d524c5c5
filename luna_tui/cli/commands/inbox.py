"""`luna-tui inbox`: lists the rows that wait for the next generation, and imports more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.counted import counted
from luna_tui.cli.column_map import MapOption, mapped_columns
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, examples, help_text, invocation

if TYPE_CHECKING:
    from engine.service.inbox_list import Incoming
    from engine.service.karma import Meter
    from luna_tui.common.terminal import LunaConsole

EXAMPLES = ("luna-tui inbox list", "luna-tui inbox add chats.jsonl more.csv", "luna-tui inbox list --all --json")
_ADD_EXAMPLES = (
    "luna-tui inbox add chats.jsonl",
    "luna-tui inbox add export.zip old-chats/ --dry-run",
    "luna-tui inbox add mails.csv --map prompt=question --redact --region GB",
)
_SHOWN = 40


def add(
    context: typer.Context,
    sources: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files and folders of rows, any known format.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would come in.")] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="Mask mail addresses, phone numbers and keys, and count them.")
    ] = False,
    region: Annotated[
        str,
        typer.Option(metavar="CC", help="With --redact: the country of phone numbers without +; else your locale's."),
    ] = "",
    keep_near: Annotated[bool, typer.Option("--keep-near", help="Also take rows that nearly repeat another.")] = False,
    columns: MapOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring rows out of files and folders into the inbox, each row once.

    Formats and rows are those of the curriculum. Rows that are there already, that repeat another, or that nearly do
    (MinHash; other numbers or negations are no repeats) are left out and counted. Rows with `karma` of their own keep
    it; the others count [age_up] import_karma each. All sources come in, or none.
    """
    from datetime import date

    from engine.core.cancellation import Control
    from engine.core.errors import UsageError
    from engine.service.inbox_import import Importer, ImportOptions
    from luna_tui.cli.json_output import write_document
    from luna_tui.cli.progress import bar
    from luna_tui.cli.signals import cancelled_by_ctrl_c
    from luna_tui.cli.tables.imported import imported_json, print_imported
    from luna_tui.common.environment import own_region
    from luna_tui.common.terminal import stdout_console

    if region and not redact:
        raise UsageError("--region says whose phone numbers are masked", where="--region", hint="add --redact")
    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root, mapped_columns(columns))
    control = Control()
    with bar("import", quiet=True) as progress, cancelled_by_ctrl_c(control.stop):

        def advance(done: int, total: int, label: str) -> None:
            control.check()
            progress(done, total, label)

        options = ImportOptions(region=(region or own_region()) if redact else "", keep_near=keep_near)
        importer = Importer(opened, config, options, advance)
        brought = importer.preview(sources) if dry_run else importer.bring_in(sources, date.today())
    meter = call.engine.karma_meter(opened, config)
    if as_json:
        added = [imported_json(one, opened.root) for one in brought]
        write_document({"added": added, "dry_run": dry_run, "karma": meter.to_dict()})
        return
    console = stdout_console()
    for one in brought:
        print_imported(console, one, opened.root, options.region)
    if dry_run:
        console.print("nothing was written; without --dry-run it is", style="dim")
    _print_meter(console, meter)


def list_rows(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also what was learnt, tried or replaced.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Show the rows that wait for the next generation, their karma, and how much more it takes."""
    from engine.service.inbox_list import inbox_entries
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
    group.command("add", help=help_text(add), epilog=examples(*_ADD_EXAMPLES))(add)
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
