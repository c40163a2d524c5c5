"""`luna-tui doctor`: checks this machine and this workspace, and names the remedy for every problem."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.diagnostics.machine_checks import Check
    from luna_tui.common.terminal import LunaConsole

EXAMPLES = (
    "luna-tui doctor                    # works without a workspace too",
    "luna-tui -w demo doctor --json | jq '.[] | select(.level != \"ok\")'",
)


def doctor(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Check Python, torch, GPU, memory, disk, backends, llama.cpp, the terminal and the workspace.

    Every finding that is not ok comes with its remedy. Exit code 1 only if something cannot work.
    """
    from engine.diagnostics.machine_checks import check_machine, check_workspace
    from luna_tui.cli.progress import bar

    call = invocation(context)
    here = (call.root / "luna.toml").exists()
    with bar("checking", quiet=True) as progress:
        findings = check_machine(progress)
        findings += terminal_findings(os.environ)
        findings += check_workspace(call.root) if here or call.named is not None else []
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document([finding.to_dict() for finding in findings])
    else:
        from luna_tui.common.terminal import stdout_console

        _show(stdout_console(), findings)
        if not here and call.named is None:
            print("no workspace here; name one with -w DIR to have it checked too", file=sys.stderr)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(1)


def terminal_findings(env: Mapping[str, str]) -> list[Check]:
    """Return the checks of what the terminal can show: size, colours, Unicode and cursor control."""
    from engine.diagnostics.machine_checks import Check
    from luna_tui.common.terminal import is_live, needs_ascii, stdout_console

    size = stdout_console().size
    colours = (
        "none (NO_COLOR)"
        if env.get("NO_COLOR")
        else "24 bit"
        if env.get("COLORTERM") in ("truecolor", "24bit")
        else "256 or fewer"
    )
    where = "over SSH" if env.get("SSH_CONNECTION") else "local"
    term = env.get("TERM", "")
    shown = f"TERM={term or 'unset'}, {size.width}×{size.height}, colours {colours}, {where}"
    if not sys.stdout.isatty():
        return [Check("ok", "terminal", "stdout is no terminal: plain lines, no bars", "")]
    if not is_live(sys.stdout, env):
        return [
            Check(
                "warn",
                "terminal",
                shown,
                "this terminal cannot redraw lines: output stays plain; try TERM=xterm-256color",
            )
        ]
    if needs_ascii(sys.stdout.encoding, env):
        remedy = "set LANG to a UTF-8 locale (for example C.UTF-8) to see real tree lines and marks"
        return [Check("warn", "terminal", f"{shown}, ASCII only ({sys.stdout.encoding})", remedy)]
    if size.width < 80 or size.height < 24:
        return [Check("warn", "terminal", shown, "make the window at least 80×24")]
    return [Check("ok", "terminal", f"{shown}, UTF-8", "")]


def _show(console: LunaConsole, findings: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    from luna_tui.common.safe_text import safe_line

    glyphs = console.glyphs
    marks = {"ok": (glyphs.accepted, "green"), "warn": ("!", "yellow"), "fail": (glyphs.rejected, "bold red")}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, style = marks[finding.level]
        detail = Text(safe_line(finding.detail))
        if finding.remedy:
            detail.append("\n").append(f"{glyphs.arrow} {safe_line(finding.remedy)}", style)
        table.add_row(Text(mark, style), Text(safe_line(finding.what), "bold"), detail)
    console.print(table)
    counts = {level: sum(finding.level == level for finding in findings) for level in marks}
    console.print(Text(f"\n{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed", "dim"))
