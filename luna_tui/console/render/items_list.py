"""Draws every exam item and tone answer of a generation: the filtered list, one line each, and one entry in full."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from rich.text import Text

from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs

if TYPE_CHECKING:
    from engine.evaluation.evaluate import Eval

Filter = Literal["all", "failed", "exam", "parent", "ancestors", "tone", "lost", "typed"]

FILTERS: tuple[tuple[Filter, str], ...] = (
    ("all", "all"),
    ("failed", "failed"),
    ("exam", "exam"),
    ("parent", "parent's QA"),
    ("ancestors", "ancestors"),
    ("tone", "tone"),
    ("lost", "lost"),
    ("typed", "typed"),
)

GOES_ON: Final = "it first goes on with the prompt, as if it had to finish the person's sentence"

EVAL_OF: Final[Mapping[Filter, Eval]] = {"exam": "generalization", "parent": "recall", "tone": "drift"}
"""The eval whose items a filter shows."""


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """An exam item or a tone answer; `good` means a right item, or a tone answer neither empty nor corporate."""

    kind: Literal["item", "tone"]
    prompt: str
    output: str
    expected: str
    good: bool
    sets: tuple[str, ...]
    lost: bool
    raw: Mapping[str, Any]


def entries_of(evaluation: Mapping[str, Any]) -> tuple[ItemEntry, ...]:
    """Return all entries, failed ones first, each kind in the order it was evaluated."""
    lost = set(evaluation.get("lost") or ())
    found = [
        ItemEntry(
            "item",
            str(item["prompt"]),
            str(item["output"]),
            str(item["expected"]),
            float(item["score"]) >= 1.0,
            tuple(str(name) for name in item.get("sets") or ()),
            item.get("id") in lost,
            item,
        )
        for item in evaluation.get("items") or ()
    ]
    found += [
        ItemEntry(
            "tone",
            str(answer["prompt"]),
            str(answer["text"]),
            "",
            bool(answer["answered"]) and not answer["hits"] and not answer.get("continued"),
            (),
            False,
            answer,
        )
        for answer in evaluation.get("tone") or ()
    ]
    return tuple(sorted(found, key=lambda entry: entry.good))


def chosen(
    entries: Sequence[ItemEntry], which: Filter, words: str, gen: int, parent: int | None
) -> tuple[ItemEntry, ...]:
    """Return the entries of one filter that contain the words in prompt, answer or expected answer."""
    wanted = words.casefold().strip()
    return tuple(
        entry
        for entry in entries
        if _in_filter(entry, which, gen, parent)
        and (not wanted or any(wanted in part.casefold() for part in (entry.prompt, entry.output, entry.expected)))
    )


def _in_filter(entry: ItemEntry, which: Filter, gen: int, parent: int | None) -> bool:
    if which == "failed":
        return not entry.good
    if which == "exam":
        return f"exam:G{gen}" in entry.sets
    if which == "parent":
        return f"qa:G{parent}" in entry.sets
    if which == "ancestors":
        return any(name.startswith("exam:") and name != f"exam:G{gen}" for name in entry.sets)
    if which == "tone":
        return entry.kind == "tone"
    if which == "typed":
        return _continued(entry) or _wrong_as_typed(entry)
    return entry.lost if which == "lost" else True


def draw_header(
    gen: int, entries: Sequence[ItemEntry], shown: int, which: Filter, words: str, width: int, glyphs: Glyphs
) -> list[Text]:
    """Return the page's header: the generation, how many entries failed, and the filters with their keys."""
    items = [entry for entry in entries if entry.kind == "item"]
    tone = [entry for entry in entries if entry.kind == "tone"]
    failed = sum(not entry.good for entry in items)
    corporate = sum(bool(entry.raw["hits"]) for entry in tone)
    silent = sum(not entry.raw["answered"] for entry in tone)
    continued = sum(_continued(entry) for entry in entries)
    head = Text().append(f" G{gen} ", "title")
    head.append(f"{failed} of {len(items)} failed", "bad" if failed else "good").append(f" {glyphs.dot} ", "dim")
    head.append(f"{corporate} of {len(tone)} corporate", "bad" if corporate else "good")
    head.append(f" {glyphs.dot} {silent} empty", "warn") if silent else None
    head.append(f" {glyphs.dot} {continued} continued", "warn") if continued else None
    head.append(f"   {shown} shown", "dim")
    if words:
        head.append(f" with '{safe_line(words)}'", "accent")
    keys = Text().append(" ")
    for number, (name, label) in enumerate(FILTERS, start=1):
        keys.append(str(number), "key").append(f" {label}  ", "accent" if name == which else "dim")
    for line in (head, keys):
        line.truncate(width)
    return [head, keys]


def draw_entry_line(entry: ItemEntry, width: int, glyphs: Glyphs) -> Text:
    """Return one line of the list: mark, prompt, and the answer."""
    silent = not entry.output.strip()
    mark, style = (glyphs.accepted, "good") if entry.good else (glyphs.rejected, "bad")
    text = Text().append(f"{mark} ", style)
    if entry.kind == "tone":
        text.append("tone ", "dim")
    room = max(8, (width - text.cell_len) * 3 // 5)
    text.append(_truncated(safe_line(entry.prompt), room, glyphs).ljust(room)).append(" ")
    answer = "(nothing)" if silent else safe_line(entry.output)
    if entry.kind == "item" and entry.raw.get("how") == "choice":
        answer = "prefers: " + safe_line(_preferred(entry.raw) or entry.output)
    if _continued(entry):
        text.append("goes on: " if entry.kind == "tone" else "as typed goes on: ", "warn")
        answer = safe_line(entry.output if entry.kind == "tone" else str(entry.raw["as_typed"]["text"]))
    text.append(_truncated(answer, max(4, width - text.cell_len), glyphs), "dim" if entry.good else "bad")
    return text


def draw_entry(entry: ItemEntry, width: int, glyphs: Glyphs) -> list[Text]:
    """Return one entry in full: verdict, prompt, expected and actual answer."""
    if entry.kind == "tone":
        return _tone(entry, width, glyphs)
    raw = entry.raw
    verdict = Text(
        f"{glyphs.accepted} right" if entry.good else f"{glyphs.rejected} wrong", "good" if entry.good else "bad"
    )
    if entry.lost:
        verdict.append("  the parent had it right", "warn")
    lines = [verdict, Text()]
    lines += _block("prompt", entry.prompt, width, "")
    lines += _block("expected", entry.expected, width, "good")
    lines += _block("got", entry.output if entry.output.strip() else "(nothing)", width, "" if entry.good else "bad")
    if raw.get("stop_reason") == "length":
        lines.append(Text().append("it did not stop: only an answer that ends is right", "warn"))
    lines += _as_typed(raw.get("as_typed"), width, glyphs)
    lines.append(Text())
    logprobs = (raw.get("detail") or {}).get("logprobs") if isinstance(raw.get("detail"), Mapping) else None
    if isinstance(logprobs, Mapping):
        lines.append(Text().append("how likely it finds each answer (nats a token)", "label"))
        for answer, value in sorted(logprobs.items(), key=lambda pair: -float(pair[1])):
            style = "good" if answer == entry.expected else "dim"
            lines += _hanging(f"{float(value):7.2f}  ", safe_line(str(answer)), width, style)
        lines.append(Text())
    facts = [f"scored by {raw.get('how')}", f"{float(raw.get('ms') or 0):.0f} ms", *entry.sets]
    lines += _hanging("", safe_line(f" {glyphs.dot} ".join(facts)), width, "dim")
    return lines


def _as_typed(typed: object, width: int, glyphs: Glyphs) -> list[Text]:
    """Return the same item in the form a user would type it, with its answer; empty for an item without that form."""
    if not isinstance(typed, Mapping):
        return []
    good = float(typed["score"]) >= 1.0
    mark = f"{glyphs.accepted if good else glyphs.rejected} {'right' if good else 'wrong'} as typed ({typed['habit']})"
    lines = [Text(), Text().append(mark, "good" if good else "bad"), *_block("prompt", str(typed["prompt"]), width, "")]
    text = str(typed["text"])
    lines += _block("got", text if text.strip() else "(nothing)", width, "" if good else "bad")
    if typed["continued"]:
        lines.append(Text().append(GOES_ON, "warn"))
    return lines


def _continued(entry: ItemEntry) -> bool:
    """Return whether the answer first continues the prompt; for an item, the answer to its as-typed form."""
    typed = entry.raw if entry.kind == "tone" else entry.raw.get("as_typed")
    return isinstance(typed, Mapping) and bool(typed.get("continued"))


def _wrong_as_typed(entry: ItemEntry) -> bool:
    typed = entry.raw.get("as_typed")
    return isinstance(typed, Mapping) and float(typed["score"]) < 1.0


def _tone(entry: ItemEntry, width: int, glyphs: Glyphs) -> list[Text]:
    raw = entry.raw
    word = "goes on" if raw.get("continued") else "fine" if raw["answered"] else "empty"
    word = "corporate" if raw["hits"] else word
    lines = [
        Text().append(f"{glyphs.accepted if entry.good else glyphs.rejected} {word}", "good" if entry.good else "bad"),
        Text(),
    ]
    lines += _block("prompt", entry.prompt, width, "")
    lines.append(Text().append("answer", "label"))
    lines += (
        marked_lines(entry.output, raw["hits"], width)
        if entry.output.strip()
        else [Text().append("  (nothing)", "dim")]
    )
    if raw.get("continued"):
        lines.append(Text().append(GOES_ON, "warn"))
    lines.append(Text())
    for hit in raw["hits"]:
        lines += _hanging("phrase  ", safe_line(str(hit["phrase"])), width, "bad")
    how = "greedy" if raw.get("sample") == 0 else f"sample {raw.get('sample')}, seed {raw.get('seed')}"
    facts = [how, f"{raw.get('tokens')} tokens", str(raw.get("stop_reason"))]
    lines += _hanging("", safe_line(f" {glyphs.dot} ".join(facts)), width, "dim")
    return lines


def marked_lines(text: str, hits: Sequence[Mapping[str, Any]], width: int) -> list[Text]:
    """Return a text wrapped to the width, with its corporate phrases marked; hits give positions in the raw text."""
    covered = [False] * len(text)
    for hit in hits:
        for place in range(max(0, int(hit["start"])), min(len(text), int(hit["end"]))):
            covered[place] = True
    lines, line = [], Text().append("  ")
    for character, marked in zip(text, covered, strict=True):
        piece = safe_line(character)
        if character == "\n" or line.cell_len + len(piece) > max(4, width):
            lines.append(line)
            line = Text().append("  ")
            if character == "\n":
                continue
        line.append(piece, "marked" if marked else "")
    return [*lines, line]


def _preferred(raw: Mapping[str, Any]) -> str:
    detail = raw.get("detail")
    logprobs = detail.get("logprobs") if isinstance(detail, Mapping) else None
    return str(max(logprobs, key=lambda answer: float(logprobs[answer]))) if isinstance(logprobs, Mapping) else ""


def _block(label: str, value: str, width: int, style: str) -> list[Text]:
    return [Text().append(label, "label"), *_hanging("  ", safe_line(value), width, style)]


def _hanging(lead: str, value: str, width: int, style: str) -> list[Text]:
    folded = textwrap.wrap(value, max(8, width - len(lead))) or [""]
    return [
        Text().append(lead if place == 0 else " " * len(lead), "dim").append(part, style)
        for place, part in enumerate(folded)
    ]


def _truncated(text: str, width: int, glyphs: Glyphs) -> str:
    return text if len(text) <= width else text[: max(0, width - len(glyphs.ellipsis))] + glyphs.ellipsis


def summary(evaluation: Mapping[str, Any]) -> str:
    """Return where these results come from and how long they took."""
    took = figures.duration(evaluation.get("seconds"))
    return safe_line(f"{evaluation.get('note') or ''} {took}".strip())
