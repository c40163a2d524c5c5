"""`luna-tui init`: creates a workspace, on request with the sample curriculum."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luna_tui.cli.invocation import invocation

EXAMPLES = (
    "luna-tui init demo --demo          # the sample curriculum on the embedded model",
    "luna-tui init mine                 # an empty curriculum for your own data",
    "luna-tui init mine --base ./my-model.gguf",
)


def init(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where; made if it is not there.", show_default=False)
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="With the sample curriculum, tuned for a laptop CPU.")] = False,
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A packaged model, a GGUF, a Hugging Face folder or a hub id.")
    ] = None,
) -> None:
    """Make a workspace: luna.toml with every key explained, and a folder for each stage of the curriculum.

    Nothing that exists is overwritten.
    """
    from rich.text import Text

    from engine.workspace.create import create_workspace
    from luna_tui.cli.invocation import Invocation
    from luna_tui.common.demo_files import sample_directory
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stdout_console

    call = invocation(context)
    root = directory or call.named or Path(".")  # the current directory, even inside another workspace
    made = create_workspace(root, demo=demo, base=base, sample=sample_directory() if demo else None)
    console = stdout_console()
    glyphs = console.glyphs
    console.print(Text.assemble((f"{glyphs.accepted} ", "green"), "workspace ", (safe_line(str(root)), "bold")))
    for name in made:
        console.print(Text(f"  {safe_line(name)}", "dim"), soft_wrap=True)
    named = Invocation(named=root if str(root) != "." else None)
    steps = ["train --generations 4"] if demo else ["train"]
    if not demo:
        console.print(Text("\nput your rows under curriculum/, stage by stage, then"))
    console.print(Text.assemble(("\nnext: ", "dim"), (named.command(steps[0]), "cyan")), soft_wrap=True)
