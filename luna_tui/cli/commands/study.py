"""`luna-tui study`: trains the lineage with other seeds and all its rows in one run, and compares them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luna_tui.cli.completion import generations
from luna_tui.cli.invocation import Invocation, JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.core.cancellation import Control
    from engine.evaluation.result_cache import ProgressCallback
    from engine.experiments.study.arms import Arm
    from engine.experiments.study.training_specs import TrainingSpec
    from engine.workspace.layout import Workspace

EXAMPLES = (
    "luna-tui study                     # micro-generations against one-shot, seeds 0, 1 and 2",
    "luna-tui study --dry-run           # what it would train, and about how long that takes",
    "luna-tui study G3 --seeds 0,1,2,3,4",
    "luna-tui study --json | jq 'select(.type == \"study\").conclusion.words'",
)


def study(
    context: typer.Context,
    gen: Annotated[
        str,
        typer.Argument(
            metavar="GEN",
            help="The end of the lineage that is studied: 3, G3, HEAD, a SHA.",
            autocompletion=generations,
        ),
    ] = "HEAD",
    seeds: Annotated[
        str, typer.Option(metavar="N,N,…", help="Seeds; the lineage's own is not trained again.")
    ] = "0,1,2",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be trained.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Train the lineage again with other seeds, and all its rows in one run for the same trained tokens, and compare.

    Everything is trained in side workspaces under study/; the lineage itself is not touched. Ctrl-C keeps a checkpoint
    and the same command goes on. Ends with study/study.json, which `luna-tui report` shows, and a verdict that also
    says when the claim was not supported.
    """
    from engine.experiments.study.arms import make_arms
    from engine.experiments.study.training_specs import training_specs_of

    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    lineage = opened.lineage()
    found = lineage.resolve(gen)
    lessons = training_specs_of(opened, config, lineage, found) if found is not None else []
    _require_lineage(lessons)
    numbers = _numbers(seeds)
    arms = make_arms(opened, config, lessons, numbers)
    _warn_few(len(numbers))
    if dry_run:
        _say_plan(opened, arms, lessons, as_json=as_json)
        return
    for place, arm in enumerate(arms, start=1):
        code = _train(call, opened, arm, lessons, f"{place}/{len(arms)} {arm.name}", as_json=as_json)
        if code:
            raise typer.Exit(code)
        # Evaluated at once, while the arm's weights exist: its answers are stored and the weights are not needed again.
        _prompt_models(call, opened, partial(_evaluate_arm, arm, lessons), as_json=as_json)
    _conclude(call, opened, config, lessons, arms, as_json=as_json)


def _evaluate_arm(arm: Arm, lessons: Sequence[TrainingSpec], progress: ProgressCallback, control: Control) -> None:
    from engine.experiments.study.evaluate_arms import evaluate_arm

    evaluate_arm(arm, lessons, progress=progress, control=control)


def _warn_few(seeds: int) -> None:
    import sys

    from engine.experiments.study.analysis import few_seeds

    for doubt in few_seeds(seeds):
        print(f"warning: {doubt}", file=sys.stderr, flush=True)


def _numbers(text: str) -> list[int]:
    from engine.core.errors import UsageError

    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(f"{text!r} is no list of seeds", where="--seeds", hint="such as --seeds 0,1,2") from None


def _require_lineage(lessons: Sequence[TrainingSpec]) -> None:
    from engine.core.errors import UsageError

    if len(lessons) < 2:
        raise UsageError(
            f"a study needs a lineage of at least two generations, and this one has {len(lessons)}",
            hint="train more first: luna-tui train --generations 2",
        )


def _train(
    call: Invocation, workspace: Workspace, arm: Arm, lessons: Sequence[TrainingSpec], name: str, *, as_json: bool
) -> int:
    """Train what the arm still lacks and return an exit code, 0 when the arm is complete."""
    import sys

    from engine.experiments.study.arms import next_request
    from luna_tui.cli.train.headless import run_headless

    inner = Invocation(call.engine, arm.workspace.root)
    while (request := next_request(arm, lessons, workspace.log("study.log"))) is not None:
        print(f"study {name}", file=sys.stderr, flush=True)
        before = len(arm.workspace.ledger.read())
        outcome, asked_to_stop = run_headless(inner, arm.workspace, arm.config, request, as_json=as_json)
        if asked_to_stop:
            print("go on with: " + call.command("study"), file=sys.stderr, flush=True)
            return 130
        if len(arm.workspace.ledger.read()) == before:
            return outcome.exit_code or 1
    return 0


def _prompt_models(
    call: Invocation, workspace: Workspace, work: Callable[[ProgressCallback, Control], Any], *, as_json: bool
) -> Any:
    """Prompt models with a progress bar, cancelled by Ctrl-C; library output goes to the log."""
    from engine.service.requests import TaskRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    with (
        quiet_output(workspace.runs / "study.log") as streams,
        bar("asking", quiet=as_json, stream=streams.err) as progress,
    ):
        return run_job(call, workspace, TaskRequest("asking", work), progress=progress)


def _conclude(
    call: Invocation,
    workspace: Workspace,
    config: Config,
    lessons: Sequence[TrainingSpec],
    arms: Sequence[Arm],
    *,
    as_json: bool,
) -> None:
    from engine.experiments.study.evaluate_arms import evaluate_arm, evaluate_base
    from engine.experiments.study.study_file import write_study

    def ask(progress: ProgressCallback, control: Control) -> dict[str, Any]:
        answers = {arm.name: evaluate_arm(arm, lessons, progress=progress, control=control) for arm in arms}
        own = next((arm for arm in arms if arm.own), arms[0])
        base = evaluate_base(workspace, own, lessons, progress=progress, control=control)
        return write_study(workspace, config, lessons, arms, answers, base)

    found = _prompt_models(call, workspace, ask, as_json=as_json)
    if as_json:
        from luna_tui.cli.json_output import write_json

        write_json({"type": "study", **found})
        return
    from luna_tui.cli.tables.study import print_study
    from luna_tui.common.terminal import stdout_console

    print_study(stdout_console(), found)


def _say_plan(workspace: Workspace, arms: Sequence[Arm], lessons: Sequence[TrainingSpec], *, as_json: bool) -> None:
    from luna_tui.common import figures
    from luna_tui.common.terminal import stdout_console

    took = sum(workspace.lineage().node(lesson.gen).row.walltime_min or 0.0 for lesson in lessons)
    plan: list[dict[str, Any]] = []
    for arm in arms:
        wanted = len(lessons) if arm.kind == "micro" else 1
        done = wanted if arm.own else len(arm.workspace.ledger.read())
        plan.append(
            {
                "arm": arm.name,
                "folder": "." if arm.own else arm.workspace.root.relative_to(workspace.root).as_posix(),
                "done": done,
                "generations": wanted,
                "minutes_left": round(took * (1 - done / wanted), 1),
            }
        )
    if as_json:
        from luna_tui.cli.json_output import write_document

        write_document(plan)
        return
    console = stdout_console()
    for entry in plan:
        left = figures.duration(entry["minutes_left"] * 60) if entry["minutes_left"] else "done"
        console.print(f"{entry['arm']:<18} {entry['done']}/{entry['generations']} trained, {left:<8} {entry['folder']}")
    total = sum(entry["minutes_left"] for entry in plan)
    console.print(f"about {figures.duration(total * 60)} of training, judged by the lineage's own times")
