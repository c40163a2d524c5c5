"""A finished study on a terminal: the verdict in words, then the figures it rests on."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from luna_tui.common.terminal import LunaConsole

_STYLES = {"supported": "bold green", "refuted": "bold red", "undecided": "bold yellow"}


def print_study(console: LunaConsole, study: dict[str, Any]) -> None:
    """Print the verdict, both ways of training exam by exam, and the paths of the complete results."""
    conclusion = study["conclusion"]
    for number, sentence in enumerate(conclusion["words"]):
        console.print(Text(sentence, _STYLES[conclusion["verdict"]] if number == 0 else ""))
    console.print()
    table = Table(box=None, pad_edge=False)
    for title in ("", "micro", "one-shot", "base", "difference", "95 %", ""):
        table.add_column(title, justify="left" if title in ("",) else "right", no_wrap=True)
    for finding in (conclusion["all"], *conclusion["exams"]):
        change = finding["difference"]
        table.add_row(
            finding["what"].removeprefix("the "),
            _spread(finding["micro"]),
            _spread(finding["one_shot"]),
            f"{finding['base']:.2f}",
            f"{change['value']:+.3f}",
            f"{change['low']:+.2f} … {change['high']:+.2f}",
            change["verdict"],
        )
    console.print(table)
    console.print(Text("mean ± standard deviation over the seeds; difference: micro minus one-shot", "dim"))
    console.print(Text("study/study.json has every arm and answer; luna-tui report makes pages of it", "dim"))


def _spread(spread: dict[str, Any]) -> str:
    return f"{spread['mean']:.2f} ±{spread['sd']:.2f}"
