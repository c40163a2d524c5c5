"""`luna-tui train`: trains one or more generations."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from engine.config.recipe import BACKENDS, Backend
from engine.core.counted import alternatives
from luna_tui.cli.column_map import MapOption, mapped_columns
from luna_tui.cli.completion import generations
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

EXAMPLES = (
    "luna-tui train                     # the next generation, from HEAD",
    "luna-tui -w demo train --generations 4",
    "luna-tui train --parent G1 --data new_chats.jsonl",
    "luna-tui train --dry-run           # what would be learned, token by token, and how long it would take",
    "luna-tui train --resume            # go on after Ctrl-C or a crash",
    "luna-tui train --resume 20261130-174012-G2",
    "luna-tui train --json | jq -c 'select(.type == \"judged\")'",
)


class PhaseName(StrEnum):
    """The phase a generation is trained in; auto chooses it by the generation's depth."""

    AUTO = "auto"
    BASE = "base"
    ALIGN = "align"
    CONVERSE = "converse"


def train(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="With --resume, where several runs are unfinished: which one."),
    ] = None,
    generations: Annotated[
        int, typer.Option("--generations", "-n", min=1, metavar="N", help="How many; ends at the first rejection.")
    ] = 1,
    phase: Annotated[
        PhaseName,
        typer.Option(metavar="PHASE", help="auto (G0 base, G1 align, then converse), base, align or converse."),
    ] = PhaseName.AUTO,
    parent: Annotated[
        str | None,
        typer.Option(metavar="GEN", help="Train from this generation, not HEAD.", autocompletion=generations),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, metavar="N", help="Optimizer steps, not luna.toml's.")] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Learn these files or folders, not the curriculum; may be repeated."),
    ] = None,
    backend: Annotated[
        Backend | None,
        typer.Option(metavar="BACKEND", help=f"What trains: {alternatives(BACKENDS)}.", show_default=False),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, metavar="N", help="Seed, not luna.toml's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted run, or with RUN.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse to train while there are bad rows.")] = False,
    inbox_first: Annotated[
        bool, typer.Option("--inbox-first", help="converse: learn the inbox before older rows, as watch does.")
    ] = False,
    columns: MapOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be learned and what it would take; train nothing.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Train the next generation, ship it as a GGUF, examine that file, and accept or reject it.

    Ctrl-C stops after the running step and keeps a checkpoint. Exit code 3: rejected by the gate or stopped by the
    stop rule; everything is recorded and HEAD has not moved.
    """
    from engine.core.errors import LunaError, UsageError
    from engine.pipeline.request import TrainRequest
    from ledger.errors import LedgerError
    from luna_tui.cli.error_text import exit_code_of, show_error
    from luna_tui.cli.train.headless import run_headless

    call = invocation(context)
    try:
        if run is not None and not resume:
            raise UsageError(
                f"{run!r} says which run to resume, and --resume is not there",
                where="RUN",
                hint=f"luna-tui train --resume {run}   or without it, to begin a generation",
            )
        opened = call.workspace()
        config = call.engine.config(opened.root, mapped_columns(columns))
        for path in data or []:
            _check_data(path)
        request = TrainRequest(
            generations=generations,
            phase=phase.value,
            parent=parent,
            steps=steps,
            data=tuple(path.resolve() for path in data or []),
            backend=backend,
            seed=seed,
            resume=resume,
            run=run or "",
            strict=strict,
            inbox_first=inbox_first,
        )
    except (LunaError, LedgerError) as error:
        if not as_json:
            raise
        _write_failure(error)
        show_error(error)
        raise typer.Exit(exit_code_of(error)) from None
    if dry_run:
        from luna_tui.cli.train.dry_run import show_dry_run

        show_dry_run(call, opened, config, request, as_json=as_json)
        return
    outcome, _ = run_headless(call, opened, config, request, as_json=as_json)
    raise typer.Exit(outcome.exit_code)


def _check_data(path: Path) -> None:
    from engine.core.errors import UsageError

    if not path.exists():
        raise UsageError("no such file or directory", where=str(path), hint="check the path given with --data")


def _write_failure(error: Exception, out: IO[str] | None = None) -> None:
    """End the stream of JSON events with a RunFinished event, as every run does, although no run has started."""
    from engine.core.events import RunFinished, to_json_object
    from luna_tui.cli.error_text import error_object, exit_code_of
    from luna_tui.cli.json_output import write_json

    failed = RunFinished(
        run="",
        seq=0,
        mono=time.monotonic(),
        wall=time.time(),
        gen=None,
        verdict="failed",
        reasons=[],
        exit_code=exit_code_of(error),
        head=None,
        error=str(getattr(error, "title", error)),
        hint=str(getattr(error, "hint", "")),
    )
    write_json({**to_json_object(failed), "where": error_object(error)["where"]}, out or sys.stdout)
