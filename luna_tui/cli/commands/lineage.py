"""`luna-tui lineage`: lists every generation with its parent and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from luna_tui.cli.invocation import Invocation, JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.workspace.layout import Workspace
    from luna_tui.common.terminal import LunaConsole

EXAMPLES = (
    "luna-tui lineage",
    "luna-tui -w demo lineage --json | jq '.[] | {GEN_ID, verdict, eval_recall}'",
)


def lineage(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Show the lineage as a tree: branches, verdicts, HEAD, hashes and the three scores.

    --json prints a list of rows: the twelve columns of the ledger, and verdict, head, parent_gen, children and more.
    """
    call = invocation(context)
    opened = call.workspace()
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(call.engine.lineage_rows(opened))
        return
    from luna_tui.common.terminal import stdout_console

    show_lineage(call, opened, stdout_console())


def show_lineage(call: Invocation, workspace: Workspace, console: LunaConsole, *, begun: bool = False) -> int:
    """Print the lineage tree and return how many generations there are; an empty one prints how to begin unless its
    first run has `begun`.
    """
    from rich.text import Text

    from engine.core.errors import LunaError
    from luna_tui.cli.tables.lineage import print_lineage

    rows = call.engine.lineage_rows(workspace)
    if not rows:
        words = Text("no generations yet")
        if not begun:
            words.append("; the first one: ").append(call.command("train"), "cyan")
        console.print(words, soft_wrap=True)
        return 0
    try:
        targets = call.engine.config(workspace.root).eval.targets
    except LunaError:
        targets = {}  # the ledger is readable even if luna.toml is not; other commands report that
    head = next((int(row["GEN_ID"]) for row in rows if row.get("head")), None)
    print_lineage(console, rows, head, targets)
    return len(rows)
