"""`luna-tui chats export` and `inbox`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.counted import counted
from luna_tui.cli.commands.chats.look import ChatArgument
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation
from luna_tui.common.chat_export import ExportFormat

if TYPE_CHECKING:
    from engine.service.chat_inbox import TakenIn


def export(
    context: typer.Context,
    chat: ChatArgument,
    form: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="Markdown to read, or JSON lines to train on.")
    ] = "markdown",
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file, else stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a stored conversation as Markdown, or as a row of `messages` as training reads it.

    An answer that did not end by itself has weight 0 in such a row. Prompts asked on their own are a row each.
    """
    from engine.core.errors import UsageError
    from engine.workspace.chats.store import find_chat
    from ledger.durable import write_durable
    from luna_tui.cli.chat.lines import shown
    from luna_tui.common.chat_export import exported
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stderr_console

    found = find_chat(invocation(context).workspace(), chat)
    text = exported(found, form)
    if out is None:
        sys.stdout.write(shown(text, sys.stdout, raw=False))
        return
    if out.exists() and not force:
        raise UsageError("the file exists", where=str(out), hint="--force replaces it")
    write_durable(out, text.encode("utf-8", "backslashreplace"))
    console = stderr_console()
    console.print(f"{console.glyphs.accepted} {safe_line(found.id)} in {safe_line(str(out))}")


def inbox(
    context: typer.Context, chat: ChatArgument, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Put a stored conversation into the inbox as a whole: one row, every answer of it an example.

    Prompts that were asked on their own are a row each, since that is what the model was fed. Left out as examples are
    answers that did not end by themselves, and those that the inbox has already or has as rated down.
    """
    from engine.workspace.chats.store import find_chat
    from luna_tui.cli.json_output import write_document
    from luna_tui.cli.tables.karma import karma_line
    from luna_tui.common.terminal import stdout_console

    call = invocation(context)
    opened = call.workspace()
    taken = call.engine.chat_to_inbox(opened, find_chat(opened, chat))
    meter = call.engine.karma_meter(opened, call.engine.config(opened.root))
    if as_json:
        write_document({"added": taken.to_dict(), "karma": meter.to_dict()})
        return
    console = stdout_console()
    console.print(f"{console.glyphs.accepted} {_told(taken)}")
    console.print(karma_line(meter, console.glyphs))


def _told(taken: TakenIn) -> str:
    known = f", {taken.known} known already" if taken.known else ""
    left_out = f", {taken.left_out} left out" if taken.left_out else ""
    return f"{counted(taken.answers, 'answer')} in {counted(taken.rows, 'row')} for the inbox{known}{left_out}"
