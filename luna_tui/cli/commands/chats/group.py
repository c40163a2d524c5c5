"""The group of the commands on stored conversations."""

from __future__ import annotations

import typer

from luna_tui.cli.commands.chats import carry, look
from luna_tui.cli.invocation import examples, help_text

EXAMPLES = (
    "luna-tui chats list --search ferry",
    "luna-tui chats show last",
    "luna-tui chats export 20261014 --format jsonl -o talk.jsonl",
    "luna-tui chats inbox last",
    "luna-tui chat --resume last        # go on with it",
)


def build() -> typer.Typer:
    """Return the Typer group of the commands `list`, `show`, `export` and `inbox`."""
    group = typer.Typer(no_args_is_help=True, help=help_text(group_help), epilog=examples(*EXAMPLES))
    group.command("list", help=help_text(look.list_chats), epilog=examples(EXAMPLES[0]))(look.list_chats)
    group.command("show", help=help_text(look.show), epilog=examples(EXAMPLES[1]))(look.show)
    group.command("export", help=help_text(carry.export), epilog=examples(EXAMPLES[2]))(carry.export)
    group.command("inbox", help=help_text(carry.inbox), epilog=examples(EXAMPLES[3]))(carry.inbox)
    return group


def group_help() -> None:
    """The conversations that chat has stored: look at them, search, export, put them into the inbox."""
