"""The chat on a terminal: every line is a raw prompt of its own, or goes on with the turns that are kept.

Lines that begin with / are commands.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from engine.core.counted import counted
from engine.core.errors import LunaError
from engine.service.work import ChatSession
from ledger.errors import LedgerError
from luna_tui.cli.chat.answer import answer, ctrl_c_cancels
from luna_tui.cli.chat.recorder import Recorder
from luna_tui.cli.error_text import show_error
from luna_tui.common.safe_text import safe_line, safe_text
from luna_tui.common.sampling_options import SamplingOptions

if TYPE_CHECKING:
    from luna_tui.common.terminal import LunaConsole

HELP = (
    ("/gen GEN", "talk to another generation"),
    ("/temp 0.7", "temperature; 0 is greedy"),
    ("/seed 1", "seed of the samples"),
    ("/max 200", "longest answer, in tokens"),
    ("/keep", "keep the turns, or ask each prompt on its own again"),
    ("/new", "begin a new conversation"),
    ("/quit", "leave (or Ctrl-D)"),
)
_HISTORY_LINES = 1000
_SHOWN = 60


class Repl:
    """Reads prompts until the user leaves; `open_model` loads another generation.

    The turns of `history` are before the first prompt, where turns are kept.
    """

    def __init__(
        self,
        model: ChatSession,
        sampling: SamplingOptions,
        console: LunaConsole,
        open_model: Callable[[str], ChatSession],
        recorder: Recorder,
        *,
        keep: bool = False,
        history: Sequence[str] = (),
    ) -> None:
        self.model = model
        self._sampling = sampling
        self._console = console
        self._open_model = open_model
        self._keep = keep
        self._recorder = recorder
        self._turns = list(history)

    def run(self) -> None:
        """Run the conversation until Ctrl-D or /quit."""
        # A parent that ignores SIGINT (a background job, some CI runners) passes that on; a terminal needs the handler.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        each = "with the turns before them" if self._keep else "each one on its own"
        if said := len(self._turns) // 2:
            self._note(f"goes on after {counted(said, 'turn')}, the last one: {_shortened(self._turns[-2])}")
        self._note(f"raw prompts, {each}; /help for commands, Ctrl-C stops an answer, Ctrl-D leaves")
        with _history():
            while True:
                try:
                    prompt = input(f"{self._label()} > ")
                except EOFError:
                    self._console.print()
                    return
                except KeyboardInterrupt:
                    self._console.print()
                    continue
                if prompt.strip() in ("/quit", "/exit", "/q"):
                    return
                if prompt.startswith("/"):
                    self._command(prompt.strip())
                elif prompt.strip():
                    self._answer(prompt)

    def _answer(self, prompt: str) -> None:
        def show(piece: str) -> None:
            sys.stdout.write(safe_text(piece))
            sys.stdout.flush()

        try:
            with ctrl_c_cancels(self.model):
                done = answer(self.model, prompt, self._sampling, show, self._turns)
        except (LunaError, LedgerError) as error:
            show_error(error)
            return
        self._console.print()
        self._recorder.add(done, self._sampling)
        if not done.text.strip():
            self._note("(nothing)")
        elif self._keep:
            self._turns += (prompt, done.text)
        if done.left_out:
            self._note(f"the {done.left_out} oldest turns no longer fit the window and were left out")
        dot = self._console.glyphs.dot
        goes_on = f" {dot} goes on with the prompt" if done.continued else ""
        self._note(f"{done.tokens} tok {dot} {done.tokens_per_s:.0f} tok/s {dot} {done.stop_reason}{goes_on}")

    def _command(self, line: str) -> None:
        name, _, value = line.partition(" ")
        value = value.strip()
        try:
            if name == "/gen" and value:
                self._switch(value)
            elif name == "/temp":
                self._sampling = replace(self._sampling, temperature=_number(value, 0.0, 5.0))
            elif name == "/seed":
                self._sampling = replace(self._sampling, seed=int(_number(value, 0, 2**32 - 1)))
            elif name == "/max":
                self._sampling = replace(self._sampling, max_tokens=int(_number(value, 1, 1_000_000)))
            elif name in ("/keep", "/new"):
                self._keep, self._turns = (not self._keep if name == "/keep" else self._keep), []
                self._recorder.begin(kept=self._keep)
            else:
                self._help()
                return
        except ValueError as error:
            self._note(str(error))
            return
        s = self._sampling
        kept = ", turns kept" if self._keep else ""
        self._note(
            f"{self._label()}, temperature {s.temperature:g}, seed {s.seed}, at most {s.max_tokens} tokens{kept}"
        )

    def _switch(self, ref: str) -> None:
        try:
            other = self._open_model(ref)
        except (LunaError, LedgerError) as error:
            show_error(error)
            return
        self.model.close()
        self.model = other

    def _help(self) -> None:
        for command, meaning in HELP:
            self._console.print(Text.assemble((f"  {command:<12}", "cyan"), (meaning, "dim")))

    def _label(self) -> str:
        return safe_line(self.model.label)

    def _note(self, text: str) -> None:
        self._console.print(Text(safe_line(text), "dim"))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _number(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"a number, please, not {text!r}") from None
    if not low <= value <= high:
        raise ValueError(f"a number from {low:g} to {high:g}, please")
    return value


@contextlib.contextmanager
def _history() -> Iterator[None]:
    """Enable line editing and the prompt history on the arrow keys, where Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    import platformdirs

    path = Path(platformdirs.user_state_dir("luna-tui", appauthor=False)) / "chat_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(_HISTORY_LINES)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(path)
