"""`luna-tui chats list` and `show`."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.core.counted import counted
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

ChatArgument = Annotated[str, typer.Argument(metavar="ID", help="The beginning of an id, or last.")]


def list_chats(
    context: typer.Context,
    search: Annotated[
        str, typer.Option("--search", "-s", metavar="TEXT", help="Only those with this in a prompt or an answer.")
    ] = "",
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the stored conversations, the one talked in last first.

    A file that holds none is told on stderr, and the others are listed.
    """
    from luna_tui.cli.json_output import write_document
    from luna_tui.cli.tables.chats import chats_table
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stderr_console, stdout_console

    call = invocation(context)
    chats, problems = call.engine.chats(call.workspace())
    found = [chat for chat in chats if chat.contains(search)]
    if as_json:
        bad = [{"where": problem.where, "reason": problem.title} for problem in problems]
        write_document({"chats": [chat.to_dict() for chat in found], "bad": bad})
        return
    console = stdout_console()
    if found:
        console.print(chats_table(found))
    elif chats:
        console.print(f"none of {counted(len(chats), 'conversation')} has {safe_line(search)!r} in it")
    else:
        console.print(f"no conversation is stored yet: {call.command('chat HEAD')}")
    for problem in problems:
        stderr_console().print(safe_line(f"{problem.where}: {problem.title}; {problem.hint}"), style="yellow")


def show(
    context: typer.Context, chat: ChatArgument, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> None:
    """Show a stored conversation: every prompt and answer, who answered, and how the answer ended."""
    from engine.workspace.chats.store import find_chat
    from luna_tui.cli.json_output import write_document
    from luna_tui.cli.tables.chats import chat_lines
    from luna_tui.common.terminal import stdout_console

    found = find_chat(invocation(context).workspace(), chat)
    if as_json:
        write_document(found.to_dict())
        return
    console = stdout_console()
    for line in chat_lines(found, console.glyphs):
        console.print(line)
