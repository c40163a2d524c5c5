"""Help pages: every text literally as in the source, and arguments in the usual notation."""

from __future__ import annotations

from typing import Any

from rich.markup import escape


def make_help_plain(command: Any) -> None:
    """Make a command, and all commands below it, show its texts without parsing markup in them.

    `[age_up]` is a table of luna.toml, not a colour. Arguments are written GEN, [GEN] and FILE..., without a type
    beside the name that already says it, and a flag takes no value.
    """
    command.help = _plain(command.help)
    command.epilog = _plain(command.epilog)
    command.short_help = _plain(command.short_help)
    for parameter in command.params:
        parameter.help = _plain(parameter.help)
        if parameter.param_type_name == "argument":
            _write_argument(parameter)
        elif parameter.is_flag:
            parameter.metavar = ""
    _help_takes_no_value(command)
    for below in getattr(command, "commands", {}).values():
        make_help_plain(below)


def _help_takes_no_value(command: Any) -> None:
    """Mark --help itself as a flag without a value; the library creates that option on first use."""
    make = command.get_help_option

    def made(context: Any) -> Any:
        option = make(context)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = made


def _plain(text: str | None) -> str | None:
    return None if text is None else escape(text)


def _write_argument(parameter: Any) -> None:
    name = parameter.metavar or parameter.name.upper()
    shown = name if parameter.nargs == 1 or name.endswith("...") else f"{name}..."
    parameter.metavar = shown
    parameter.get_usage_pieces = lambda _context: [shown if parameter.required else f"[{shown}]"]
    parameter.display_type_rich = lambda ctx: ""
