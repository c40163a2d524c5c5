"""`luna-tui chat`: prompts a generation with raw text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from luna_tui.cli.completion import generations
from luna_tui.cli.invocation import JsonOption, WorkspaceOption, invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config.config import Config
    from engine.service.engine import Engine
    from engine.service.work import ChatSession
    from luna_tui.cli.chat.recorder import Recorder
    from luna_tui.common.sampling_options import SamplingOptions

EXAMPLES = (
    "luna-tui chat HEAD",
    'luna-tui chat HEAD --prompt "Can you help me?"',
    'luna-tui chat G1 --prompt "Who are you?" --temperature 0.7 --seed 3 --json',
    "luna-tui chat HEAD --keep          # a conversation: answers may refer to what was said",
    "luna-tui chat --resume last        # where it was left",
    "luna-tui chat base < prompts.txt   # one prompt a line, one answer a line",
)


def chat(
    context: typer.Context,
    gen: Annotated[
        str | None,
        typer.Argument(
            metavar="GEN",
            help="A generation: 3, G3, HEAD, base, or the beginning of a SHA. With --resume it may be left out.",
            autocompletion=generations,
        ),
    ] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="Answer this and leave.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, metavar="N", help="Longest answer, in tokens.")] = 200,
    temperature: Annotated[float, typer.Option(min=0.0, max=5.0, metavar="T", help="0 is greedy.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Same seed, same answer.")] = 0,
    top_p: Annotated[float, typer.Option(min=0.01, max=1.0, metavar="P", help="Nucleus of the samples.")] = 1.0,
    keep: Annotated[
        bool, typer.Option("--keep", "-k", help="Keep the turns: each prompt goes on with the ones before it.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume", metavar="ID", help="Go on with a stored conversation, or the last one: its turns are kept."
        ),
    ] = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Do not store what is said.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Leave control characters in answers as they are.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to any generation, or to base. No template, no system prompt: the model sees your text and nothing else.

    Without --prompt a terminal gets a conversation, and a pipe one answer for each line of stdin. Each prompt is asked
    on its own; with --keep the turns before it are fed as conversations are in training. What is said is stored under
    chats/ (luna-tui chats list), unless --no-store.
    """
    from engine.core.errors import UsageError
    from engine.workspace.chats.store import find_chat
    from luna_tui.cli.chat.lines import answer_lines, read_prompts, typed_text
    from luna_tui.cli.chat.recorder import Recorder
    from luna_tui.common.sampling_options import SamplingOptions

    if gen is None and resume is None:
        context.fail("Missing argument 'GEN', or --resume ID for a stored conversation.")
    call = invocation(context)
    opened = call.workspace()
    config = call.engine.config(opened.root)
    if prompt is not None and not prompt.strip():
        raise UsageError("the prompt is empty", where="--prompt", hint="give it some text, or leave it out to talk")
    resumed = find_chat(opened, resume) if resume is not None else None
    gen = gen or (resumed.ref if resumed else "")
    opened.lineage().resolve(gen)
    prompt = None if prompt is None else typed_text(prompt)
    sampling = SamplingOptions(temperature, max_tokens, seed, top_p)
    engine = call.engine.open(opened)
    model = _open(engine, config, gen)
    keep = keep or resumed is not None
    recorder = Recorder(None if no_store else opened, _warn, kept=keep, resumed=resumed)
    history = resumed.history() if resumed else ()
    if prompt is None and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        _converse(engine, config, model, sampling, recorder, keep=keep, history=history)
        return
    try:
        if prompt is None:
            answer_lines(
                model,
                read_prompts(sys.stdin.buffer),
                sampling,
                sys.stdout,
                as_json=as_json,
                raw=raw,
                recorder=recorder,
                keep=keep,
                history=history,
            )
        else:
            _answer_once(model, prompt, sampling, recorder, history, as_json=as_json, raw=raw)
    finally:
        engine.close()


def _warn(text: str) -> None:
    from luna_tui.common.safe_text import safe_line
    from luna_tui.common.terminal import stderr_console

    stderr_console().print(safe_line(text), style="yellow")


def _open(engine: Engine, config: Config, ref: str) -> ChatSession:
    from luna_tui.cli.progress import bar
    from luna_tui.common.quiet_output import quiet_output

    with (
        quiet_output(engine.workspace.runs / "chat.log") as streams,
        bar("loading", quiet=True, stream=streams.err) as progress,
    ):
        return engine.open_chat(ref, config=config, progress=progress)


def _answer_once(
    model: ChatSession,
    prompt: str,
    sampling: SamplingOptions,
    recorder: Recorder,
    history: Sequence[str],
    *,
    as_json: bool,
    raw: bool,
) -> None:
    from luna_tui.cli.chat.answer import answer, ctrl_c_cancels
    from luna_tui.cli.chat.lines import shown
    from luna_tui.cli.json_output import write_json

    def show(piece: str) -> None:
        if not as_json:
            sys.stdout.write(shown(piece, sys.stdout, raw=raw))
            sys.stdout.flush()

    with ctrl_c_cancels(model):
        done = answer(model, prompt, sampling, show, history)
    recorder.add(done, sampling)
    if as_json:
        write_json(done.to_dict())
    else:
        sys.stdout.write("\n")
    if done.stop_reason == "stopped":
        raise typer.Exit(130)


def _converse(
    engine: Engine,
    config: Config,
    model: ChatSession,
    sampling: SamplingOptions,
    recorder: Recorder,
    *,
    keep: bool,
    history: Sequence[str],
) -> None:
    from luna_tui.cli.chat.repl import Repl
    from luna_tui.common.terminal import stdout_console

    def open_other(ref: str) -> ChatSession:
        engine.workspace.lineage().resolve(ref)
        return _open(engine, config, ref)

    repl = Repl(model, sampling, stdout_console(), open_other, recorder, keep=keep, history=history)
    try:
        repl.run()
    finally:
        engine.close()
