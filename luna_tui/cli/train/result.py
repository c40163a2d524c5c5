"""Prints the end of a generation: its scores, the verdict with reasons, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from engine.core.gen_label import gen_label
from luna_tui.cli.tables.scores import print_scores
from luna_tui.common import figures
from luna_tui.common.run_state import RunState
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole

_STYLES = {"accepted": "bold green", "rejected": "bold red", "stopped": "bold yellow"}


class ResultPrinter:
    """Prints the end of each run: results on `out`, failures and interruptions on `err`.

    `command` turns `chat HEAD` into a command line that the user can paste; `earlier` returns each recorded
    generation's generalization when it was new.
    """

    def __init__(
        self,
        out: LunaConsole,
        err: LunaConsole,
        targets: Mapping[str, float],
        command: Callable[[str], str],
        earlier: Callable[[], Mapping[int, float | None]],
    ) -> None:
        self._out = out
        self._err = err
        self._targets = targets
        self._command = command
        self._earlier = earlier

    def __call__(self, state: RunState) -> None:
        """Print the result of a finished run; do nothing for a run that has not finished."""
        finished = state.finished
        if finished is None:
            return
        if finished.verdict == "interrupted":
            self._print(self._err, Text("interrupted; nothing half done was recorded", "yellow"))
            self._print_command(self._err, Text("go on with: "), "train --resume")
        elif finished.verdict == "failed":
            where = f"G{finished.gen} failed: " if finished.gen is not None else ""
            self._print(
                self._err, Text.assemble(("error: ", "bold red"), where, safe_line(finished.error or "unknown"))
            )
            if finished.hint:
                self._print(self._err, Text.assemble(("  fix: ", "bold green"), safe_line(finished.hint)))
        else:
            self._print_scores(state)
            self._print_verdict(state)

    def _print_scores(self, state: RunState) -> None:
        nested = state.scores.get("scores")
        scores: Mapping[str, Any] = nested if isinstance(nested, dict) else state.scores
        self._out.print()
        print_scores(self._out, scores, self._targets, state.scores.get("by_ancestor"), self._earlier())
        self._out.print()

    def _print_verdict(self, state: RunState) -> None:
        assert state.finished is not None
        glyphs, verdict, gen = self._out.glyphs, state.finished.verdict, state.finished.gen
        marks = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}
        style = _STYLES.get(verdict, "bold")
        head = gen_label(state.finished.head)
        facts = [f"HEAD is {'now' if verdict == 'accepted' else 'still'} {head}"]
        if state.exported is not None:
            facts.append(f"sha {state.exported.child_sha[:8]}")
        if state.finished.seconds:
            facts.append(figures.duration(state.finished.seconds))
        line = Text(f"{marks.get(verdict, '')} G{gen} {verdict}", style)
        self._print(self._out, line.append(f"   {f' {glyphs.dot} '.join(facts)}", "not bold default"))
        for reason in state.finished.reasons:
            self._print(self._out, Text(f"  {glyphs.dash} {safe_line(reason)}"))
        for words, command in _next_steps(verdict, gen):
            self._print_command(self._out, Text.assemble(("  next: ", "dim"), words), command)
        self._out.print()

    def _print(self, console: LunaConsole, text: Text) -> None:
        console.print(text, soft_wrap=not console.is_terminal)

    def _print_command(self, console: LunaConsole, words: Text, command: str) -> None:
        # The terminal may wrap a command, luna must not: it is there to be copied.
        console.print(words.append(self._command(command), "cyan"), soft_wrap=True)


def _next_steps(verdict: str, gen: int | None) -> list[tuple[str, str]]:
    if verdict == "accepted":
        return [("talk to it: ", "chat HEAD")]
    if verdict == "stopped":
        return [("fix the data, not the size; what went wrong: ", f"eval G{gen} --recorded"), ("then: ", "train")]
    return [("look at what it got wrong: ", f"eval G{gen} --recorded"), ("mend the data, then: ", "train")]
