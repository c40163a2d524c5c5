"""Draws two generations side by side: their scores, how they were made, and where their answers differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from engine.core.counted import counted
from engine.core.gen_label import gen_label
from luna_tui.common import figures
from luna_tui.common.score_lines import ScoreLine, score_lines
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.console.render.compared import Comparison, ItemPair, Side, pair_items, pair_tone, same_tone_probes
from luna_tui.console.render.conversation import fold, shown_line
from luna_tui.console.render.generation_page import difference, interval_words
from luna_tui.console.render.lineage_pane import VERDICT_STYLES, number
from luna_tui.console.render.made_with import Values, made_with, mapping, value_words

_LABEL = 18
_ITEMS = 100
_LINES = 4
_OF_TONE = ("drift", "answered", "continued")
"""Scores on the tone probes: comparable only where both were asked the same."""


def draw_comparison(view: Comparison, width: int, glyphs: Glyphs) -> list[Text]:
    """Return the whole comparison page, each line at most `width` cells."""
    page = _Page(width, glyphs)
    one, other = view.one, view.other
    page.beside("", Text(one.name, "title"), Text(other.name, "title"))
    page.beside("", _verdict(one, glyphs), _verdict(other, glyphs))
    page.words(view.related, "dim")
    for side in (one, other):
        if side.gen is None and not side.scores:
            page.words(
                "The base was not examined yet: choose it in the lineage and press v. It sits HEAD's exams then.",
                "warn",
            )
            if isinstance(side.evaluation, str):
                page.words(side.evaluation, "warn")
    _draw_scores(page, view)
    _draw_made_with(page, one, other)
    _draw_items(page, one, other)
    _draw_tone(page, one, other)
    return page.lines


class _Page:
    """Collects the page's lines: a label, then two columns of the same width."""

    def __init__(self, width: int, glyphs: Glyphs) -> None:
        self.width = width
        self.glyphs = glyphs
        self.column = max(10, (width - _LABEL - 4) // 2)
        self.lines: list[Text] = []

    def add(self, line: Text) -> None:
        text = Text(" ").append_text(line)
        text.truncate(self.width)
        self.lines.append(in_ascii(text) if self.glyphs is ASCII else text)

    def heading(self, words: str) -> None:
        self.add(Text())
        self.add(Text(words, "title"))

    def words(self, text: str, style: str = "") -> None:
        for line in fold(shown_line(text, self.glyphs), max(12, self.width - 2)) if text else ():
            self.add(Text(line, style))

    def beside(self, label: str, left: Text, right: Text, style: str = "label") -> None:
        """Add a label and two texts, each wrapped in its own column."""
        columns = [self._folded(text) for text in (left, right)]
        for at in range(max(map(len, columns))):
            line = Text(f"{label if at == 0 else '':<{_LABEL}.{_LABEL - 1}}", style)
            cell = columns[0][at].copy() if at < len(columns[0]) else Text()
            line.append_text(cell).append(" " * max(0, self.column - cell_len(cell.plain)))
            line.append(f" {self.glyphs.trunk} ", "ghost")
            self.add(line.append_text(columns[1][at]) if at < len(columns[1]) else line)

    def _folded(self, text: Text) -> list[Text]:
        """Return the text wrapped to the column's width, its styles kept."""
        lines: list[Text] = []
        end = 0
        for line in fold(text.plain, self.column):
            start = text.plain.index(line, end)
            end = start + len(line)
            lines.append(text[start:end])
        if len(lines) > _LINES:
            lines = [*lines[: _LINES - 1], Text(self.glyphs.ellipsis, "dim")]
        return lines


def _verdict(side: Side, glyphs: Glyphs) -> Text:
    if side.row is None:
        return Text("the model everything began with" if side.gen is None else "not in the lineage", "dim")
    verdict = str(side.row.get("verdict") or "")
    text = Text(shown_line(verdict, glyphs), VERDICT_STYLES.get(verdict, "dim"))
    return text.append(f" {shown_line(str(side.row.get('phase') or ''), glyphs)}")


def _draw_scores(page: _Page, view: Comparison) -> None:
    one, other = ({line.name: line for line in score_lines(s.scores, view.targets)} for s in (view.one, view.other))
    names = [*one, *(name for name in other if name not in one)]
    if not names:
        return
    page.heading("Scores")
    tones = view.one.tone, view.other.tone
    alike = not all(tones) or same_tone_probes(*tones)
    for name in names:
        left, right = one.get(name), other.get(name)
        label = next((line.label for line in (left, right) if line), name)
        page.beside(label, _score(left, page.glyphs), _score(right, page.glyphs))
        if left is not None and right is not None and (name not in _OF_TONE or alike):
            page.add(Text(" " * _LABEL).append_text(_difference(left, right, view.other.name)))
    if view.one.gen is not None and view.other.gen is not None:
        page.words("Each was examined on its own exams when it was new; below are the items that both sat.", "dim")


def _score(line: ScoreLine | None, glyphs: Glyphs) -> Text:
    if line is None:
        return Text("not measured", "dim")
    style = {True: "good", False: "bad", None: ""}[line.passed]
    text = Text(f"{figures.score(line.value, line.target)}", style)
    if line.n:
        text.append(f"  {line.count}/{line.n}  {interval_words(line.low, line.high, glyphs)}", "dim")
    return text


def _difference(left: ScoreLine, right: ScoreLine, name: str) -> Text:
    """Return the difference of two scores, and whether chance alone could explain it."""
    gap = right.value - left.value
    if abs(gap) < 1e-9:
        return Text("the same", "dim")
    words = f"{name}: {difference(gap)}"
    if not left.n or not right.n:
        return Text(words, "dim")
    if left.low <= right.high and right.low <= left.high:
        return Text(f"{words}, within noise: the intervals overlap", "dim")
    better = gap < 0 if left.sign == "<" else gap > 0
    return Text(f"{words}, more than noise: the intervals lie apart", "good" if better else "bad")


def _draw_made_with(page: _Page, one: Side, other: Side) -> None:
    page.heading("Made with")
    if one.reading or other.reading:
        page.words(f"reading the manifests{page.glyphs.ellipsis}", "dim")
    sides = [_facts(one), _facts(other)]
    same: list[str] = []
    for key in [*sides[0], *(key for key in sides[1] if key not in sides[0])]:
        left, right = (value_words(key, side.get(key)) for side in sides)
        if left == right:
            same.append(f"{key} {left}")
        else:
            page.beside(shown_line(key, page.glyphs), _plain(left, page.glyphs), _plain(right, page.glyphs))
    if same:
        page.words(f"the same in both: {', '.join(same)}", "dim")


def _plain(words: str, glyphs: Glyphs) -> Text:
    return Text(shown_line(words, glyphs))


def _facts(side: Side) -> dict[str, Any]:
    """Return how and from which parent a generation was made; empty for the base."""
    if side.row is None:
        return {}
    parent = side.row.get("parent_gen")
    minutes = number(side.row.get("walltime_min"))
    facts: dict[str, Any] = {
        "parent": gen_label(parent),
        "steps": side.row.get("steps"),
        "lr": side.row.get("lr"),
        "took": figures.duration(None if minutes is None else minutes * 60),
        "loss at the end": figures.loss(number(side.row.get("loss_end"))),
        **{f"{key} rows": value for key, value in mapping(side.row.get("data")).items() if isinstance(value, int)},
    }
    for part in made_with(side.manifest) if side.manifest is not None else ():
        facts.update({key: value for key, value in part.items() if f"{key} rows" not in facts})
    return facts


def _draw_items(page: _Page, one: Side, other: Side) -> None:
    page.heading("Items that both sat")
    if not _read(page, one, other, lambda side: side.items):
        return
    pairs = pair_items(one.items, other.items)
    if not pairs:
        page.words("none: their exams have no item in common", "dim")
        return
    right = [sum(pair.rights[at] for pair in pairs) for at in (0, 1)]
    page.words(f"{counted(len(pairs), 'item')}: {one.name} had {right[0]} right, {other.name} {right[1]}")
    groups = (
        (f"won: only {other.name} has them right", "good", [p for p in pairs if p.rights == (False, True)]),
        (f"lost: only {one.name} has them right", "bad", [p for p in pairs if p.rights == (True, False)]),
        ("both wrong, in different words", "warn", [p for p in pairs if p.rights == (False, False) and p.differs]),
    )
    for title, style, found in groups:
        page.add(Text())
        page.add(Text(f"{len(found)} ", style).append(title, style))
        for pair in found[:_ITEMS]:
            _draw_item(page, pair)
        if len(found) > _ITEMS:
            page.words(f"and {len(found) - _ITEMS} more", "dim")


def _draw_item(page: _Page, pair: ItemPair) -> None:
    asked = f"{pair.prompt}  {page.glyphs.arrow} {pair.expected}"
    for line in fold(shown_line(asked, page.glyphs), max(12, page.width - 4))[:_LINES]:
        page.add(Text("  ").append(line, "bold"))
    texts = [
        _marked_answer(text, (), page.glyphs, "good" if right else "bad")
        for text, right in zip(pair.outputs, pair.rights, strict=True)
    ]
    page.beside("", texts[0], texts[1])


def _draw_tone(page: _Page, one: Side, other: Side) -> None:
    page.heading("Tone: the first answer to every probe")
    if not _read(page, one, other, lambda side: side.tone):
        return
    if not same_tone_probes(one.tone, other.tone):
        page.words(
            "They were asked other tone probes, so their drifts are of other questions and not comparable; luna-tui "
            f"compare {one.name} {other.name} asks both the same. Below: what both were asked in the same words.",
            "warn",
        )
    for pair in pair_tone(one.tone, other.tone):
        page.words(pair.prompt, "bold")
        texts = [_marked_answer(text, hits, page.glyphs) for text, hits in zip(pair.texts, pair.hits, strict=True)]
        page.beside("", texts[0], texts[1])


def _read(page: _Page, one: Side, other: Side, part: Callable[[Side], Sequence[Values]]) -> bool:
    """Return whether both have this part loaded; otherwise add a line on which is missing, and why."""
    for side in (one, other):
        if isinstance(side.evaluation, str):
            page.words(f"{side.name}: {side.evaluation}", "warn")
        elif side.evaluation is None and side.gen is not None:
            page.words(f"{side.name}: reading its examination{page.glyphs.ellipsis}", "dim")
        elif not part(side):
            page.words(f"{side.name}: not examined" if side.gen is None else f"{side.name}: none recorded", "dim")
    return all(part(side) for side in (one, other))


def _marked_answer(text: str, hits: Sequence[Values], glyphs: Glyphs, style: str = "") -> Text:
    """Return an answer, safe to show, with its corporate phrases marked; hits give positions in the raw text."""
    shown = Text()
    at = 0
    for hit in sorted(hits, key=lambda hit: int(hit["start"])):
        start, end = max(at, int(hit["start"])), max(at, int(hit["end"]))
        shown.append(shown_line(text[at:start], glyphs), style).append(shown_line(text[start:end], glyphs), "marked")
        at = end
    shown.append(shown_line(text[at:].rstrip(), glyphs), style)
    return shown if shown.plain.strip() else Text("(nothing)", "dim")
