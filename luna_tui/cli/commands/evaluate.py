"""`luna-tui eval`: evaluates a generation again, from the file it was shipped as."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luna_tui.cli.invocation import GenArgument, JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.workspace.layout import Workspace

EXAMPLES = (
    "luna-tui eval HEAD",
    "luna-tui eval G2 --all             # every item, not only the failed ones",
    "luna-tui eval G2 --recorded         # as it was when it was judged",
    "luna-tui eval G2 --only drift       # one of the three again, the rest as recorded",
    "luna-tui eval base                 # the base model on the same exams",
    "luna-tui eval 3 --json | jq .scores",
)


class Only(StrEnum):
    """The evals that can be run separately."""

    recall = "recall"
    generalization = "generalization"
    drift = "drift"


def evaluate(
    context: typer.Context,
    gen: GenArgument,
    everything: Annotated[bool, typer.Option("--all", help="Show every item and answer.")] = False,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Show what was recorded after training; loads no model.")
    ] = False,
    only: Annotated[
        Only | None, typer.Option("--only", help="Run this one of the three evals; the rest is as recorded.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Examine a shipped GGUF: recall, generalization, style drift, and the exam of every ancestor.

    Shows the scores with counts and intervals, then what it got wrong. Changes nothing.
    """
    from engine.core.errors import UsageError
    from engine.service.requests import EvaluateRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    opened.lineage().resolve(gen)  # an unknown name is reported before a model is loaded
    if recorded and only is not None:
        raise UsageError("--recorded runs nothing and --only runs one eval", hint="leave one of them out")
    if recorded:
        _show(opened, call.engine.recorded_evaluation(opened, config, gen), everything=everything, as_json=as_json)
        return
    request = EvaluateRequest(gen, only.value if only else None)
    with (
        quiet_output(opened.runs / "eval.log") as streams,
        bar("examining", quiet=as_json, stream=streams.err) as progress,
    ):
        result = run_job(call, opened, request, config=config, progress=progress)
    _show(opened, result, everything=everything, as_json=as_json)


def _show(workspace: Workspace, result: dict[str, Any], *, everything: bool, as_json: bool) -> None:
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(result)
        return
    from luna_tui.cli.tables.eval import print_evaluation
    from luna_tui.common.terminal import stdout_console

    was = {row.gen_id: row.eval_generalization for row in workspace.ledger.read()}
    print_evaluation(stdout_console(), result, was, everything=everything)
