"""`luna-tui gc`: frees disk space by deleting files that can be rebuilt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from luna_tui.cli.invocation import JsonOption, WorkspaceOption, YesOption, invocation

if TYPE_CHECKING:
    from engine.workspace.garbage import Garbage
    from luna_tui.common.terminal import LunaConsole

EXAMPLES = (
    "luna-tui gc --dry-run              # what would go, and how much it is",
    "luna-tui gc --yes",
    "luna-tui gc --ggufs                # also files that can be rebuilt from their deltas",
)


def gc(
    context: typer.Context,
    ggufs: Annotated[
        bool, typer.Option("--ggufs", help="Also GGUFs of generations that are not HEAD and can be rebuilt.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Delete what can be made again: checkpoints of finished runs, weight caches, leftovers of crashes.

    Never the ledger, manifests, deltas, data or HEAD's GGUF. Asks first; without a terminal it needs --yes.
    """
    from engine.core.errors import UsageError
    from engine.workspace.garbage import collect, find_garbage
    from luna_tui.cli.confirm import confirmed
    from luna_tui.cli.json_output import write_document
    from luna_tui.common import figures
    from luna_tui.common.terminal import stdout_console

    opened = invocation(context).workspace()
    found = find_garbage(opened, ggufs=ggufs)
    total = sum(item.size for item in found)
    asks = found and not dry_run and not yes
    if as_json:
        if asks:
            raise UsageError("gc --json does not ask", hint="add --yes to delete, or --dry-run to look")
        freed = 0 if dry_run else collect(opened, found)
        write_document(
            {"dry_run": dry_run, "items": [item.to_dict(opened) for item in found], "bytes": total, "freed": freed}
        )
        return
    console = stdout_console()
    if not found:
        console.print("nothing to collect")
        return
    _show(console, [(item, str(item.path.relative_to(opened.root))) for item in found])
    console.print(f"{len(found)} in all, {figures.size(total)}")
    if dry_run:
        return
    if asks:
        if not sys.stdin.isatty():
            raise UsageError("there is nobody to ask", hint="add --yes to delete, or --dry-run to look")
        if not confirmed(f"Delete these and free {figures.size(total)}?"):
            raise typer.Exit(1)
    console.print(f"{console.glyphs.accepted} freed {figures.size(collect(opened, found))}", style="green")


def _show(console: LunaConsole, found: list[tuple[Garbage, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from luna_tui.common import figures
    from luna_tui.common.safe_text import safe_line

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name, justify in (("kind", "left"), ("size", "right"), ("path", "left"), ("why it is safe", "left")):
        table.add_column(
            name, justify="right" if justify == "right" else "left", overflow="fold", no_wrap=name in ("kind", "size")
        )
    for item, path in found:
        table.add_row(
            Text(item.kind), Text(figures.size(item.size)), Text(safe_line(path)), Text(safe_line(item.why), "dim")
        )
    console.print(table)
