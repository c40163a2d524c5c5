"""`luna-tui watch`: trains the next generation whenever the inbox has enough karma."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from luna_tui.cli.invocation import Invocation, JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.service.auto_train import Decision
    from engine.workspace.layout import Workspace

EXAMPLES = (
    "luna-tui watch                     # until Ctrl-C",
    "luna-tui watch --dry-run           # what it would do now, and why",
    "luna-tui watch --once --json       # wait for one generation, then leave",
)


def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Leave after the first generation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done now.")] = False,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Look so often.")] = 5.0,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Wait until the inbox has earned a generation, evolve it, and wait again; [age_up] in luna.toml sets the price.

    Gate and stop rule are those of `train`; a rejected batch is not tried again until more karma comes in. A run that
    was interrupted here is resumed. One that cannot be begun, because of a mistake in the data or in luna.toml, is
    tried again when those change. Exit codes are those of `train`; Ctrl-C leaves with 130.
    """
    call = invocation(context)
    opened = call.workspace()
    if dry_run:
        _say(call.engine.age_up(opened, call.engine.config(opened.root)), as_json=as_json)
        return
    raise typer.Exit(_watch(call, opened, once=once, every=every, as_json=as_json))


def _watch(call: Invocation, workspace: Workspace, *, once: bool, every: float, as_json: bool) -> int:
    from engine.service.auto_train import AutoTrain
    from luna_tui.cli.train.headless import run_headless

    auto_train = AutoTrain(workspace, call.engine)
    reported = ""
    while True:
        decision = auto_train.look()
        if decision is None:
            time.sleep(every)
            continue
        if decision.why != reported:
            _say(decision, as_json=as_json)
        reported = decision.why
        if decision.request is None:
            time.sleep(every)
            continue
        outcome, asked_to_stop = run_headless(call, workspace, auto_train.config, decision.request, as_json=as_json)
        auto_train.note(outcome)
        reported = ""
        if outcome.gave_way and not asked_to_stop:
            time.sleep(every)
            continue  # another process holds the workspace: wait, for as long as it takes
        if once or outcome.exit_code not in (0, 2, 3):
            return outcome.exit_code
        if asked_to_stop:
            return 130


def _say(decision: Decision, *, as_json: bool) -> None:
    from rich.text import Text

    from luna_tui.cli.json_output import write_json
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    if as_json:
        write_json({"type": "age_up", **decision.to_dict()}, sys.stdout)
        sys.stdout.flush()
        return
    console = stdout_console()
    mark = console.glyphs.waiting if decision.action == "wait" else console.glyphs.running
    line = Text().append(time.strftime("%H:%M:%S  "), "dim").append(f"{mark} {safe_line(decision.why)}")
    console.print(line, soft_wrap=True)
