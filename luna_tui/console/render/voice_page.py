"""The voice over time: the model's answers during training, and the answers of each generation of the lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from engine.core.counted import counted
from luna_tui.common.terminal import Glyphs
from luna_tui.console.render.conversation import draw_answer, fold, shown_line, shown_text
from luna_tui.console.state.chat_state import ChatAnswer, ChatTurn

if TYPE_CHECKING:
    from engine.core.events import VoiceSampled

_SHA_FROM = 76
_VERDICTS = {"accepted": "good", "rejected": "bad", "stopped": "warn"}


def draw_voices(voices: Iterable[VoiceSampled], width: int, glyphs: Glyphs) -> list[Text]:
    """Return the samples of a run by prompt, in the order of the steps; unchanged answers share one line."""
    by_prompt: dict[str, list[VoiceSampled]] = {}
    for voice in voices:
        by_prompt.setdefault(voice.prompt, []).append(voice)
    lines: list[Text] = []
    for prompt, samples in by_prompt.items():
        lines += [Text(line, "bold") for line in fold(shown_text(prompt, glyphs), max(8, width))]
        spells = _spells(sorted(samples, key=lambda sample: sample.step))
        steps = [str(s[0].step) if len(s) == 1 else f"{s[0].step}{glyphs.dash}{s[-1].step}" for s in spells]
        label_width = max(4, *map(len, steps))
        for step, spell in zip(steps, spells, strict=True):
            lines += _sample(f"{step:>{label_width}}", spell[0], width, glyphs)
        lines.append(Text())
    return lines[:-1]


def draw_no_voices(width: int, glyphs: Glyphs, *, training: bool) -> list[Text]:
    """Return the reason why there are no samples."""
    words = (
        ["The run that is going on has answered nothing yet: asking it may take only a small share of the time."]
        if training
        else [
            "What a model in training answers to pinned prompts stands here while it learns: [voice] in luna.toml says "
            "which prompts and how often.",
            "What the finished generations say is below: one prompt, put to all of them.",
        ]
    )
    return [Text(line, "dim") for text in words for line in fold(shown_line(text, glyphs), max(8, width))]


def draw_lineage_answers(
    turn: ChatTurn | None, rows: Mapping[int, Mapping[str, Any]], head: int | None, width: int, glyphs: Glyphs
) -> list[Text]:
    """Return one prompt's answers down the lineage: the base, the path to HEAD, then the branches beside it."""
    if turn is None:
        words = (
            "One prompt, put to the base and to every generation on the way to HEAD, then to the branches beside it."
        )
        return [Text(line, "dim") for line in fold(shown_line(words, glyphs), max(8, width))]
    way = _way(rows, head)
    lines = [Text(line, "bold") for line in fold(shown_text(turn.prompt, glyphs), max(8, width))]
    labels = [_label(answer, rows, head, width, glyphs) for answer in turn.answers]
    label_width = max((label.cell_len for label in labels), default=0)
    next_one = next((i for i, answer in enumerate(turn.answers) if answer.state != "done"), None)
    beside = False
    for index, (answer, label) in enumerate(zip(turn.answers, labels, strict=True)):
        gen = _gen(answer.ref)
        if gen is not None and gen not in way and not beside:
            beside = True
            lines.append(Text("beside it", "dim"))
        lines += draw_answer(answer, label, label_width, width + 1, glyphs, loading=index == next_one)
    return lines


def asked_of(turn: ChatTurn) -> str:
    """Return the progress of a prompt to the lineage, in words."""
    done = sum(answer.state == "done" for answer in turn.answers)
    return f"{done} of {len(turn.answers)} answered" if turn.busy else counted(done, "answer")


def _spells(samples: list[VoiceSampled]) -> list[list[VoiceSampled]]:
    """Group neighbouring samples that have the same answer."""
    spells: list[list[VoiceSampled]] = []
    for sample in samples:
        last = spells[-1][-1] if spells else None
        if last is not None and (last.text, last.stop_reason) == (sample.text, sample.stop_reason):
            spells[-1].append(sample)
        else:
            spells.append([sample])
    return spells


def _sample(step: str, sample: VoiceSampled, width: int, glyphs: Glyphs) -> list[Text]:
    room = max(8, width - len(step) - 2)
    body = [Text(line) for line in fold(shown_text(sample.text, glyphs).rstrip(), room)]
    if not sample.text.strip():
        body = [Text("(nothing)", "dim")]
    if sample.stop_reason not in ("eos", ""):
        cut = sample.stop_reason in ("length", "budget")
        mark = glyphs.ellipsis if cut else f" {shown_line(sample.stop_reason, glyphs)}"
        if body[-1].cell_len + cell_len(mark) <= room:
            body[-1].append(mark, "warn")
        else:
            body += [Text(line, "warn") for line in fold(mark, room)]
    blank = " " * (len(step) + 2)
    first = Text().append(step, "label").append("  ")
    return [(first if index == 0 else Text(blank)).append_text(line) for index, line in enumerate(body)]


def _label(
    answer: ChatAnswer, rows: Mapping[int, Mapping[str, Any]], head: int | None, width: int, glyphs: Glyphs
) -> Text:
    gen = _gen(answer.ref)
    if gen is None:
        return Text(f"{glyphs.base} {shown_line(answer.ref, glyphs)}", "dim")
    row = rows.get(gen) or {}
    verdict = str(row.get("verdict") or "")
    marks = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}
    label = Text().append(f"{marks.get(verdict, glyphs.unrecorded)} ", _VERDICTS.get(verdict, "dim"))
    label.append(f"G{gen}", "head" if gen == head else "accent")
    if width >= _SHA_FROM:
        label.append(f" {shown_line(str(row.get('child_sha') or '')[:8], glyphs)}", "dim")
    if gen == head:
        label.append(f" {glyphs.head}", "head")
    return label


def _gen(ref: str) -> int | None:
    return int(ref[1:]) if ref[:1] == "G" and ref[1:].isdecimal() else None


def _way(rows: Mapping[int, Mapping[str, Any]], head: int | None) -> set[int]:
    way: set[int] = set()
    at = head
    while at is not None and at in rows and at not in way:
        way.add(at)
        at = rows[at].get("parent_gen")
    return way
