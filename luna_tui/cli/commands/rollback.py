"""`luna-tui rollback`: moves HEAD to another generation."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.gen_label import gen_label
from luna_tui.cli.invocation import GenArgument, JsonOption, WorkspaceOption, YesOption, invocation

if TYPE_CHECKING:
    from engine.workspace.layout import Workspace

EXAMPLES = (
    "luna-tui rollback G1               # train again from G1: the lineage branches",
    'luna-tui rollback 2 --yes --reason "the voice got worse"',
    "luna-tui rollback base",
)


def rollback(
    context: typer.Context,
    gen: GenArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the log of HEAD.")] = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Move HEAD to any generation. Nothing is deleted; training from there makes a branch."""
    from rich.text import Text

    from luna_tui.cli.chat.lines import typed_text
    from luna_tui.cli.confirm import confirmed
    from luna_tui.common.terminal import stdout_console

    call = invocation(context)
    opened = call.workspace()
    here, there = _places(opened, gen)
    if here == there:
        moved: dict[str, int | None] = {"from": here, "to": there}
    else:
        question = f"HEAD is {gen_label(here)}. Move it to {gen_label(there)}?"
        # A rollback loses nothing, so a script need not pass --yes.
        if not as_json and sys.stdin.isatty() and not yes and not confirmed(question):
            raise typer.Exit(1)
        moved = call.engine.rollback(opened, gen, reason=typed_text(reason) or "asked for by a person")
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(moved)
        return
    console = stdout_console()
    if moved["from"] == moved["to"]:
        console.print(Text(f"HEAD is on {gen_label(moved['to'])} already"))
        return
    glyphs = console.glyphs
    console.print(
        Text.assemble(
            (f"{glyphs.accepted} ", "green"),
            f"HEAD {gen_label(moved['from'])} {glyphs.arrow} ",
            (gen_label(moved["to"]), "bold"),
        )
    )
    console.print(
        Text.assemble(("next: ", "dim"), (call.command("train"), "cyan"), ("   makes a branch from here", "dim")),
        soft_wrap=True,
    )


def _places(workspace: Workspace, ref: str) -> tuple[int | None, int | None]:
    lineage = workspace.lineage()
    return lineage.head, lineage.resolve(ref)
