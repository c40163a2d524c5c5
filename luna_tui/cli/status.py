"""Bare `luna-tui` without a terminal: prints the lineage and the next steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from luna_tui.cli.invocation import Invocation

if TYPE_CHECKING:
    from engine.workspace.runs import RunStatus


def print_status(call: Invocation) -> None:
    """Print the lineage and the next steps, or how to create a workspace where there is none."""
    from rich.text import Text

    from luna_tui.cli.commands.lineage import show_lineage
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    console = stdout_console()
    if not (call.root / "luna.toml").is_file():
        where = "this directory" if call.named is None else safe_line(str(call.named))
        console.print(Text(f"{where} is no luna workspace yet."), soft_wrap=True)
        for words, command in (
            (
                "see it work on the sample curriculum",
                "luna-tui init demo --demo && luna-tui -w demo train --generations 4",
            ),
            ("begin your own", "luna-tui init mine"),
            ("open another one", "luna-tui -w DIR"),
        ):
            console.print(Text.assemble((f"  {words}\n", "dim"), "    ", (command, "cyan")), soft_wrap=True)
        return
    workspace = call.workspace()
    console.print(Text(f"luna {console.glyphs.dot} {safe_line(workspace.root.name)}", "bold"))
    console.print()
    left = call.engine.unfinished_runs(workspace)
    if not show_lineage(call, workspace, console, begun=bool(left)) and not left:
        return
    rows = call.engine.lineage_rows(workspace)
    for words, command in _next_steps(rows, left):
        console.print(Text.assemble((f"{words:<22}", "dim"), (call.command(command), "cyan")), soft_wrap=True)


def _next_steps(rows: list[dict[str, Any]], left: Sequence[RunStatus]) -> list[tuple[str, str]]:
    """Return the commands to run next; an unfinished run must be resumed, because `train` would start anew."""
    train = [("next generation", "train")]
    if any(state.status == "running" for state in left):
        train = []  # a process is already training
    elif len(left) == 1:
        train = [(f"go on with G{left[0].gen}", "train --resume")]
    elif left:
        train = [(f"go on with G{state.gen}", f"train --resume {state.run_id}") for state in left]
    if not rows:
        return train
    newest: Mapping[str, Any] = rows[-1]
    steps = [("talk to HEAD", "chat HEAD"), *train, ("check everything", "verify")]
    if newest.get("verdict") in ("rejected", "stopped"):
        steps.insert(0, (f"why G{newest['GEN_ID']} was {newest['verdict']}", f"eval G{newest['GEN_ID']} --recorded"))
    return steps
