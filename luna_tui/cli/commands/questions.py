"""`luna-tui questions`: proposes question rows out of documents, to be reviewed before they are rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.core.counted import counted
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from engine.data.questions.answers import Proposal
    from luna_tui.cli.invocation import Invocation

EXAMPLES = (
    "luna-tui -w demo questions manual.md                    # review them, then into the first stage",
    "luna-tui questions manual.md faq.txt --list             # only look",
    "luna-tui questions manual.md --yes --out rows.jsonl     # all of them into a file",
    "luna-tui questions manual.md --gguf model.gguf          # a model asks about what no rule covers",
)


def questions(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Documents: .md or .txt.")],
    stage: Annotated[
        str, typer.Option(metavar="STAGE", help="The curriculum's stage that gets the rows; else the first.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write here, not into the curriculum.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept all without a review.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Only print them.")] = False,
    gguf: Annotated[
        Path | None,
        typer.Option("--gguf", metavar="PATH", help="Let this local model ask about paragraphs that no rule covers."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Propose questions with their answers out of documents, each with its source line, and write the accepted ones.

    Rules read headings, definitions, tables, FAQs and plain sentences; answers are the document's own words. In a
    terminal a page opens to accept, edit or drop each; elsewhere they are printed, and --yes accepts all. Rows go to
    curriculum/STAGE/questions-NAME.jsonl; no file is replaced unasked.
    """
    from engine.core.errors import UsageError
    from engine.data.questions.rows_file import require_new, write_questions
    from luna_tui.cli.commands.console import can_open
    from luna_tui.cli.json_output import write_document

    call = invocation(context)
    if only_list and yes:
        raise UsageError("--list only prints, and --yes writes", where="--list --yes", hint="give one of the two")
    if out is not None and stage:
        raise UsageError("--out is a file, and --stage a folder of the curriculum", where="--stage", hint="give one")
    review = not (yes or only_list or as_json) and can_open()
    path = _destination(call, files, stage, out) if yes or review else None
    if path is not None:
        require_new(path, force=force)
    found = _propose(call, files, gguf)
    written = 0
    if review and path is not None and found:
        path, written = _review(found, path, force=force)
    elif yes and path is not None and found:
        write_questions(path, found, force=force)
        written = len(found)
    if as_json:
        rows = [proposal.to_dict() for proposal in found]
        write_document({"proposals": rows, "written": written, "file": str(path) if written else None})
        return
    if not review:
        _print(found)
    _print_end(call, path, written, len(found))


def _destination(call: Invocation, files: list[Path], stage: str, out: Path | None) -> Path:
    from engine.core.errors import UsageError

    if out is not None:
        return out
    if not (call.root / "luna.toml").is_file():
        hint = "name a file with --out FILE.jsonl, or a workspace with -w DIR"
        raise UsageError("there is no workspace whose curriculum could get the rows", where=str(call.root), hint=hint)
    return call.engine.questions_file(call.workspace(), stage, files)


def _propose(call: Invocation, files: list[Path], gguf: Path | None) -> list[Proposal]:
    from engine.core.cancellation import Control
    from luna_tui.cli.progress import bar
    from luna_tui.cli.signals import cancelled_by_ctrl_c

    control = Control()
    with bar("questions", quiet=gguf is None) as progress, cancelled_by_ctrl_c(control.stop):
        return call.engine.propose_questions(files, gguf=gguf, progress=progress, control=control)


def _review(found: list[Proposal], path: Path, *, force: bool) -> tuple[Path, int]:
    """Open the review page, and return the file and how many rows were written into it."""
    from luna_tui.cli.commands.console import frame_rate, own_terminal

    pace = frame_rate()
    from platformdirs import user_state_path

    from luna_tui.console.driver import LineDriver
    from luna_tui.console.questions_app import QuestionsApp

    with own_terminal(user_state_path("luna-tui") / "console.log"):
        app = QuestionsApp(found, path, force=force, pace=pace, driver=LineDriver)
        app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)
    return path, app.written


def _print(found: list[Proposal]) -> None:
    from luna_tui.cli.tables.questions import questions_table
    from luna_tui.common.terminal import stdout_console

    if found:
        stdout_console().print(questions_table(found))


def _print_end(call: Invocation, path: Path | None, written: int, found: int) -> None:
    """Print on stderr what was written, or how to write it."""
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stderr_console

    console = stderr_console()
    if not found:
        console.print("no question was found: the rules read headings, definitions, tables, FAQs, and plain sentences")
    elif written:
        console.print(f"{console.glyphs.accepted} {counted(written, 'row')} in {safe_line(str(path))}")
    elif path is None:
        console.print(f"{counted(found, 'question')} proposed, nothing written: --yes accepts all", style="dim")
    else:
        console.print(f"nothing written; {call.command('questions')} again opens the review", style="dim")
