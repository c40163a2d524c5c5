"""Prints an evaluation: scores against targets, then the items, failed ones first, then the tone answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.core.counted import counted
from luna_tui.cli.tables.scores import print_scores
from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole

_SHOWN = 10
_CORPORATE = "bold red"


def print_evaluation(
    console: LunaConsole, result: Mapping[str, Any], was: Mapping[int, float | None], *, everything: bool
) -> None:
    """Print what `evaluate` returned; `everything` shows all items instead of the first ten failed ones."""
    head = Text(safe_line(str(result.get("label", ""))), "bold")
    facts = [str(result["sha"])[:8] if result.get("sha") else "", figures.duration(result.get("seconds"))]
    head.append(f"   {f' {console.glyphs.dot} '.join(fact for fact in facts if fact)}", "not bold dim")
    console.print(head)
    if result.get("note"):
        console.print(Text(safe_line(str(result["note"])), "dim"))
    console.print()
    print_scores(console, result.get("scores", {}), result.get("targets", {}), result.get("by_ancestor"), was)
    _print_items(console, result.get("items", []), everything=everything)
    _print_tone(console, result.get("tone", []), everything=everything)


def _print_items(console: LunaConsole, items: Sequence[Mapping[str, Any]], *, everything: bool) -> None:
    if not items:
        return
    failed = [item for item in items if float(item["score"]) < 1.0]
    typed = [item["as_typed"] for item in items if item.get("as_typed")]
    console.print()
    title = f"{len(failed)} of {counted(len(items), 'item')} failed"
    if typed:
        wrong, on = sum(float(t["score"]) < 1.0 for t in typed), sum(bool(t["continued"]) for t in typed)
        title += f"; asked as people type, {wrong} of {len(typed)} failed and {on} went on with the prompt"
    console.print(Text(title, "bold" if failed else "green"))
    right = [item for item in items if float(item["score"]) >= 1.0]
    shown = [*failed, *right] if everything else failed[:_SHOWN]
    for item in shown:
        console.print(_item(console, item))
    left = len(failed) - len(shown)
    if left > 0:
        console.print(Text(f"  {counted(left, 'more failed item')}; --all shows every item", "dim"))


def _item(console: LunaConsole, item: Mapping[str, Any]) -> Table:
    good = float(item["score"]) >= 1.0
    glyphs = console.glyphs
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(width=8)
    table.add_column(overflow="fold")
    mark = Text(glyphs.accepted if good else glyphs.rejected, "green" if good else "red")
    sets = f" {glyphs.dot} ".join(safe_line(str(name)) for name in item.get("sets", []))
    table.add_row(mark, Text("prompt", "dim"), _text(item["prompt"]))
    table.add_row("", Text("expected", "dim"), _text(item["expected"], "green"))
    got = _text(item["output"], "" if good else "red")
    if not str(item["output"]).strip():
        got = Text("(nothing)", "dim red")
    if item.get("stop_reason") == "length":
        got.append("  did not stop", "yellow")
    table.add_row("", Text("got", "dim"), got)
    typed = item.get("as_typed")
    if typed and (typed["continued"] or float(typed["score"]) < 1.0):
        table.add_row("", Text("as typed", "dim"), _text(typed["prompt"]))
        answer = _text(typed["text"], "yellow") if str(typed["text"]).strip() else Text("(nothing)", "dim red")
        table.add_row(
            "",
            Text("got", "dim"),
            answer.append("  goes on with the prompt", "yellow") if typed["continued"] else answer,
        )
    table.add_row("", "", Text(f" {glyphs.dot} ".join(part for part in (str(item["how"]), sets) if part), "dim"))
    return table


def _print_tone(console: LunaConsole, answers: Sequence[Mapping[str, Any]], *, everything: bool) -> None:
    if not answers:
        return
    corporate = [answer for answer in answers if answer["hits"]]
    silent = [answer for answer in answers if not answer["answered"]]
    console.print()
    title = f"tone: {len(corporate)} of {counted(len(answers), 'answer')} corporate, {len(silent)} empty"
    console.print(Text(title, "bold" if corporate or silent else "green"))
    greedy = [answer for answer in answers if answer.get("sample") == 0 and not answer["hits"]]
    shown = [*corporate, *(answer for answer in answers if not answer["hits"])] if everything else [*corporate, *greedy]
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(max_width=max(20, console.width // 3), overflow="fold")
    table.add_column(overflow="fold")
    for answer in shown:
        bad = bool(answer["hits"]) or bool(answer.get("continued"))
        mark = Text(console.glyphs.rejected if bad else console.glyphs.accepted, "red" if bad else "green")
        if not answer["answered"]:
            mark = Text(console.glyphs.waiting, "yellow")
        said = highlighted(str(answer["text"]), answer["hits"])
        if answer.get("continued"):
            said = said.append("  goes on with the prompt", "yellow")
        table.add_row(mark, _text(answer["prompt"], "dim"), said if answer["answered"] else Text("(nothing)", "dim"))
    console.print(table)


def highlighted(text: str, hits: Sequence[Mapping[str, Any]]) -> Text:
    """Return the text with its corporate phrases marked; hits give positions in the raw text."""
    shown = Text()
    for part, marked in _split_at_hits(text, hits):
        shown.append(safe_line(part), _CORPORATE if marked else "")
    names = sorted({safe_line(str(hit["phrase"])) for hit in hits})
    return shown.append(f"  [{'; '.join(names)}]", "dim") if names else shown


def _split_at_hits(text: str, hits: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    at = 0
    for hit in sorted(hits, key=lambda hit: int(hit["start"])):
        start, end = max(at, int(hit["start"])), int(hit["end"])
        yield text[at:start], False
        yield text[start:end], True
        at = max(start, end)
    yield text[at:], False


def _text(value: object, style: str = "") -> Text:
    return Text(safe_line(str(value)), style)
