"""Prints a ladder run: a table of the rungs, the cards that were not solved, and the verdict in a sentence."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.core.counted import counted
from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs, LunaConsole

_STYLES = {"enough": "bold green", "not_enough": "bold red", "stopped": "bold yellow"}
# Unsolved cards shown per rung: enough to see what kind of answer it gives.
_SHOWN = 6


def print_ladder(console: LunaConsole, report: Mapping[str, Any], root: Path) -> None:
    """Print what `LadderReport.to_dict` returned; `root` is the workspace as the user wrote it."""
    console.print(_table(console, report))
    for rung in report["rungs"]:
        console.print(_course(console.glyphs, rung, root), soft_wrap=not console.is_terminal)
    for rung in report["rungs"]:
        if rung["failed"]:
            _print_failed(console, rung, root)
    _print_verdict(console, report)


def _print_verdict(console: LunaConsole, report: Mapping[str, Any]) -> None:
    """Print the verdict at the end of the output, where it is visible above the shell's prompt."""
    console.print()
    glyphs = console.glyphs
    marks = {"enough": glyphs.accepted, "not_enough": glyphs.rejected, "stopped": glyphs.stopped}
    verdict = str(report["verdict"])
    sentence = f"{marks.get(verdict, '')} {_plain(console, str(report['sentence']))}"
    console.print(Text(sentence, _STYLES.get(verdict, "bold")), soft_wrap=not console.is_terminal)
    if report["untried"]:
        names = ", ".join(safe_line(str(name)) for name in report["untried"])
        console.print(Text(f"  not tried: {names}", "dim"), soft_wrap=not console.is_terminal)


def _table(console: LunaConsole, report: Mapping[str, Any]) -> Table:
    glyphs = console.glyphs
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("rung", overflow="fold", min_width=8)
    for heading in ("size", "trained", "speed", "cards", "score", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rung in report["rungs"]:
        score = rung["score"]
        enough = score["value"] * score["n"] + 1e-9 >= report["needed"]
        table.add_row(
            Text(safe_line(str(rung["name"])), "bold"),
            parameters(rung["parameters"]),
            f"{rung['minutes']:.1f} min",
            f"{rung['tokens_per_s']:.0f} tok/s",
            f"{round(score['value'] * score['n'])}/{score['n']}",
            Text(figures.score(score["value"], report["target"]), "green" if enough else "red"),
            Text(f"{score['low']:.2f}{glyphs.dash}{score['high']:.2f}", "dim"),
        )
    return table


def _course(glyphs: Glyphs, rung: Mapping[str, Any], root: Path) -> Text:
    """Return how a rung reached its score, in a line or two under the table."""
    marks = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}
    verdicts = " ".join(f"G{made['gen']}{marks.get(made['verdict'], '')}" for made in rung["generations"])
    kinds = ", ".join(
        f"{kind.replace('_', ' ')} {round(score['value'] * score['n'])}/{score['n']}"
        for kind, score in rung["kinds"].items()
    )
    name = safe_line(str(rung["name"]))
    asked = "" if rung["why_asked"] == "the last one" else f" ({rung['why_asked']})"
    text = Text(f"\n{name}: {verdicts}, asked {rung['asked']}{asked}\n  {kinds}", "dim")
    sizes = [figures.size(rung["size_bytes"])]
    sizes += [f"{figures.size(rung['memory_bytes'])} of memory"] if rung["memory_bytes"] else []
    where = (
        "this workspace's own lineage"
        if rung["taken"]
        else f"luna-tui -w {shlex.quote(str(root / rung['folder']))} lineage"
    )
    text.append(f"\n  {', '.join(sizes)}; {safe_line(where)}")
    for note in [*rung["notes"], *([rung["stopped"]] if rung["stopped"] else [])]:
        text.append(f"\n  {safe_line(str(note))}", "not dim yellow")
    return text


def _print_failed(console: LunaConsole, rung: Mapping[str, Any], root: Path) -> None:
    failed: Sequence[Mapping[str, Any]] = rung["failed"]
    console.print()
    console.print(Text(f"{safe_line(str(rung['name']))}: {counted(len(failed), 'card')} not solved", "bold"))
    for card in failed[:_SHOWN]:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=1)
        table.add_column(width=8)
        table.add_column(overflow="fold")
        about = safe_line(str(card["task"] or card["kind"]))
        table.add_row(Text(console.glyphs.rejected, "red"), Text("card", "dim"), f"{safe_line(card['id'])}  {about}")
        table.add_row("", Text("prompt", "dim"), Text(safe_line(str(card["prompt"]))))
        table.add_row("", Text("expected", "dim"), Text(safe_line(str(card["wanted"])), "green"))
        got = Text(safe_line(str(card["output"])), "red") if card["output"].strip() else Text("(nothing)", "dim red")
        if card["why"] not in ("another answer", "said nothing"):
            got.append(f"  {safe_line(str(card['why']))}", "yellow")
        table.add_row("", Text("got", "dim"), got)
        console.print(table)
    if len(failed) > _SHOWN:
        more = f"  and {len(failed) - _SHOWN} more: luna-tui -w {safe_line(shlex.quote(str(root)))} ladder --json"
        console.print(Text(more, "dim"), soft_wrap=not console.is_terminal)


def parameters(count: int) -> str:
    """Format a model's parameter count: `2.9 M`, `135 M`, `1.2 B`."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= unit * 0.9995:
            value = count / unit
            return f"{value:.1f} {name}" if value < 9.95 else f"{value:.0f} {name}"
    return str(count)


def _plain(console: LunaConsole, text: str) -> str:
    from luna_tui.common.terminal import ascii_text

    shown = safe_line(text)
    return ascii_text(shown) if console.ascii else shown
