"""Answers prompts from a pipe, one per line, with one answer or JSON object per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from engine.service.work import ChatSession
from luna_tui.cli.chat.answer import answer
from luna_tui.cli.chat.recorder import Recorder
from luna_tui.cli.json_output import write_json
from luna_tui.common.safe_text import safe_for_pipe, safe_text
from luna_tui.common.sampling_options import SamplingOptions


def read_prompts(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield the prompts of a pipe: UTF-8, LF or CRLF; blank lines are skipped."""
    for line in lines:
        prompt = line.decode("utf-8-sig", "replace").rstrip("\r\n")
        if prompt.strip():
            yield prompt


def typed_text(argument: str) -> str:
    """Return an argument's text decoded like a line of a pipe: bytes that are not UTF-8 become U+FFFD."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def answer_lines(
    model: ChatSession,
    prompts: Iterable[str],
    sampling: SamplingOptions,
    out: IO[str],
    *,
    as_json: bool,
    raw: bool,
    recorder: Recorder,
    keep: bool = False,
    history: Sequence[str] = (),
) -> None:
    """Answer each prompt on its own line; newlines inside an answer are written as a backslash and n.

    With `keep` each prompt goes on with the turns before it, the first one with `history`.
    """
    turns = list(history)
    for prompt in prompts:
        done = answer(model, prompt, sampling, lambda _piece: None, turns)
        recorder.add(done, sampling)
        if keep and done.text.strip():
            turns += (prompt, done.text)
        if as_json:
            write_json(done.to_dict(), out)
        else:
            text = done.text.replace("\\", "\\\\").replace("\n", "\\n") if "\n" in done.text else done.text
            out.write(shown(text, out, raw=raw) + "\n")
            out.flush()


def shown(text: str, out: IO[str], *, raw: bool) -> str:
    """Return model text as it may be written to a stream: safe on a terminal, without control characters in a pipe, or
    raw.
    """
    if raw:
        return text
    return safe_text(text) if out.isatty() else safe_for_pipe(text)
