"""`luna-tui train --dry-run`: what would be learned, what is left out, and what it would take, with nothing trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luna_tui.cli.jobs import run_job

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.pipeline.preview import Preview
    from engine.pipeline.request import TrainRequest
    from engine.workspace.layout import Workspace
    from luna_tui.cli.calling import Invocation
    from luna_tui.common.terminal import LunaConsole

_SHOWN = 12
_STYLES = {"title": "bold", "good": "bold green", "bad": "bold red", "warn": "yellow"}


def show_dry_run(
    call: Invocation, workspace: Workspace, config: Config, request: TrainRequest, *, as_json: bool
) -> None:
    """Decide about the next generation and print it; raises what the training itself would before it trains."""
    from engine.service.requests import PreviewRequest
    from luna_tui.cli.json_output import write_document
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output
    from luna_tui.common.terminal import stdout_console

    with (
        quiet_output(workspace.runs / "train.log") as streams,
        bar("preparing", quiet=as_json, stream=streams.err) as progress,
    ):
        found = run_job(call, workspace, PreviewRequest(request), config=config, progress=progress)
    if as_json:
        write_document(found.to_dict())
    else:
        _print(found, stdout_console())


def _print(found: Preview, console: LunaConsole) -> None:
    from rich.text import Text
    from rich.theme import Theme

    from luna_tui.common.preview_text import legend, sequence_title, summary_lines, token_lines
    from luna_tui.common.terminal import in_ascii

    def show(*lines: Text) -> None:
        for line in lines:
            console.print(in_ascii(line) if console.ascii else line, soft_wrap=True)

    with console.use_theme(Theme(_STYLES)):
        show(*summary_lines(found, _SHOWN), Text(), legend(console.glyphs))
        for view in found.sequences:
            show(Text(), *sequence_title(view, console.glyphs), *token_lines(view, console.width, console.glyphs))
