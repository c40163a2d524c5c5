"""`luna-tui train --dry-run`: what would be learned, what is left out, and what it would take, with nothing trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.counted import counted
from engine.core.gen_label import gen_label
from luna_tui.cli.jobs import run_job
from luna_tui.common.figures import duration
from luna_tui.common.safe_text import safe_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from engine.config.config import Config
    from engine.core.cancellation import Control
    from engine.pipeline.preview import Preview, TokenView
    from engine.pipeline.request import TrainRequest
    from engine.service.work import ProgressCallback
    from engine.workspace.layout import Workspace
    from luna_tui.cli.calling import Invocation

_SHOWN = 12


def show_dry_run(
    call: Invocation, workspace: Workspace, config: Config, request: TrainRequest, *, as_json: bool
) -> None:
    """Decide about the next generation and print it; raises what the training itself would before it trains."""
    from engine.service.requests import TaskRequest
    from luna_tui.cli.json_output import write_document
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output
    from luna_tui.common.terminal import stdout_console

    def work(progress: ProgressCallback, control: Control) -> Preview:
        from engine.pipeline.preview import preview

        return preview(workspace, config, request, progress=progress, control=control)

    with (
        quiet_output(workspace.runs / "train.log") as streams,
        bar("preparing", quiet=as_json, stream=streams.err) as progress,
    ):
        found = run_job(call, workspace, TaskRequest("preparing", work), config=config, progress=progress)
    if as_json:
        write_document(found.to_dict())
        return
    console = stdout_console()
    for line in _lines(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print()
    for view in found.sequences:
        console.print(sequence_text(view))
        console.print()


def sequence_text(view: TokenView) -> Text:
    """Return a sequence as one text: what is trained bright and underlined, what is masked dim, EOS as ∎."""
    from rich.text import Text

    text = Text(f"{view.source or view.row_id[:12]}  {view.stage}\n", "dim italic")
    for at, (piece, trained) in enumerate(view.pieces):
        shown = piece.replace("\n", "⏎\n") if piece else "∎"
        # Neighbouring tokens take turns in weight, so that each can be told from the next.
        style = ("green" if at % 2 else "bold green") if trained else ("dim" if at % 2 else "")
        text.append("".join(mark if mark == "\n" or mark.isprintable() else "·" for mark in shown), style)
    return text


def _lines(found: Preview) -> Iterator[str]:
    counts = found.counts
    parent = "the base" if found.parent is None else gen_label(found.parent)
    yield f"{gen_label(found.gen)} from {parent}, {found.reason}"
    yield (
        f"new {counts['new']}, held out {counts['holdout']}, replayed {counts['replay']}: "
        f"{counts['train']} to train on, {counted(found.exam_items, 'question')} to be asked"
    )
    for stage, parts in found.by_stage.items():
        yield (
            f"  {safe_line(stage)}: {parts['rows']} in {counted(parts['sequences'], 'sequence')}, "
            f"{parts['tokens']:,} tokens, {parts['tokens_trained']:,} of them trained"
        )
    passes = found.steps * found.batch_size * found.accumulation / max(1, counts["sequences"])
    repeated = f", {counts['tokens_repeated']:,} repeated as history" if counts["tokens_repeated"] else ""
    yield (
        f"{counted(found.steps, 'step')} of {found.batch_size * found.accumulation} sequences: {passes:.1f} passes "
        f"through {counts['tokens']:,} tokens{repeated}"
    )
    yield _time(found)
    for lines in (found.left_out, found.warnings):
        for line in lines[:_SHOWN]:
            yield f"- {safe_line(line)}"
        if len(lines) > _SHOWN:
            yield f"- … and {len(lines) - _SHOWN} more (--json has all)"


def _time(found: Preview) -> str:
    pace: Any = found.pace
    if pace is None:
        return "time: not known, since nothing was trained on such a machine here yet"
    total = pace.train + pace.export + pace.evaluate
    return (
        f"time: about {duration(total)} ({duration(pace.train)} of training, {duration(pace.export)} export, "
        f"{duration(pace.evaluate)} exam, by the pace of {gen_label(pace.of)} on such a machine)"
    )
