"""`luna-tui behaviors`: generates tone examples from a persona file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.counted import counted
from luna_tui.cli.completion import generations
from luna_tui.cli.invocation import WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.core.cancellation import Control
    from engine.data.persona import Persona
    from engine.data.template_behaviors import Behavior, BehaviorReport
    from engine.service.work import ProgressCallback
    from luna_tui.cli.invocation import Invocation

EXAMPLES = (
    "luna-tui behaviors --persona examples/personas/luna.toml --count 1000 > tone.jsonl",
    "luna-tui behaviors --persona me.toml -o demo/curriculum/conversations/behaviors.jsonl",
    "luna-tui behaviors --persona me.toml -o tone.jsonl --json     # the report as JSON",
    "luna-tui behaviors --persona me.toml --from G3 --count 200 -o tone.jsonl",
)


def behaviors(
    context: typer.Context,
    persona: Annotated[Path, typer.Option("--persona", metavar="FILE", help="The persona, a TOML file.")],
    count: Annotated[int, typer.Option(min=1, metavar="N", help="How many prompt and answer pairs.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed, other pairs in another order.")] = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write them here.")] = None,
    sampled_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="GEN",
            help="Let this generation answer, not the persona's templates.",
            autocompletion=generations,
        ),
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0.0, max=5.0, metavar="T", help="Of the answers that --from samples.")
    ] = 0.7,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON; needs -o.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make distinct prompt and answer pairs in a persona's voice, balanced over its situations.

    None contains a corporate phrase of the tone probe's list or of the persona's own. The same persona, count and seed
    give the same pairs. Pairs go to stdout as JSONL, the report on how varied they are to stderr. With --from the
    answers are sampled from a generation of the workspace, and those that fail the same checks are left out.
    """
    from engine.core.errors import UsageError
    from engine.data.persona import load_persona
    from engine.data.template_behaviors import make_behaviors
    from ledger.durable import write_durable
    from luna_tui.cli.json_output import write_document

    if as_json and output is None:
        raise UsageError("stdout is taken by the pairs", where="--json", hint="give them a file: -o FILE")
    if output is not None and output.exists() and not force:
        raise UsageError("the file exists", where=str(output), hint="give another name, or replace it with --force")
    loaded = load_persona(persona)
    if sampled_from is None:
        rows, report = make_behaviors(loaded, count, seed)
    else:
        rows, report = _sampled(invocation(context), loaded, sampled_from, count, seed, temperature)
    lines = "".join(json.dumps(row.to_row(), ensure_ascii=False) + "\n" for row in rows)
    if output is None:
        sys.stdout.write(lines)
        _show(report, sys.stderr.write)
        return
    try:
        write_durable(output, lines.encode())
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(output)) from error
    if as_json:
        write_document(report.to_dict())
    else:
        _show(report, sys.stdout.write)


def _sampled(
    call: Invocation, persona: Persona, ref: str, count: int, seed: int, temperature: float
) -> tuple[list[Behavior], BehaviorReport]:
    from engine.data.sampled_behaviors import sample_behaviors
    from engine.evaluation.model_ref import resolve_model
    from engine.evaluation.result_cache import ResultCache
    from engine.service.requests import TaskRequest
    from luna_tui.cli.jobs import run_job
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    workspace = call.workspace()
    config = call.engine.config(workspace.root)
    model = resolve_model(workspace, config, workspace.lineage(), ref)

    def sample(progress: ProgressCallback, control: Control) -> tuple[list[Behavior], BehaviorReport]:
        with (
            ResultCache(workspace, config, progress=progress, control=control) as cache,
            cache.loaded(model) as runtime,
        ):
            return sample_behaviors(
                persona,
                runtime,
                count,
                seed,
                temperature=temperature,
                on_done=lambda done, total: cache.progress(done, total, model.label),
            )

    with (
        quiet_output(workspace.runs / "eval.log") as streams,
        bar("sampling", stream=streams.err) as progress,
    ):
        return run_job(call, workspace, TaskRequest("sampling", sample), progress=progress)


def _show(report: BehaviorReport, write: Callable[[str], object]) -> None:
    counts = report.by_situation.values()
    shortest, median, longest = report.words
    lines = [
        f"{counted(report.rows, 'pair')} over {counted(len(counts), 'situation')}, {min(counts)} to {max(counts)} each",
        f"answers: {shortest} to {longest} words, half of them at most {median}",
        f"distinct-1 {report.distinct_1:.3f}, distinct-2 {report.distinct_2:.3f}",
        f'commonest opening: "{report.commonest_opening}", {report.commonest_opening_share:.1%} of the answers',
        *(f"left out: {times} × {why}" for why, times in report.left_out.items()),
    ]
    for line in lines:
        write(line + "\n")
