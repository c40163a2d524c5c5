"""Draws the conversation: raw prompts, their answers as they arrive, and the figures of each answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, chop_cells
from rich.text import Text

from engine.core.counted import counted
from luna_tui.common.safe_text import safe_line, safe_text
from luna_tui.common.terminal import ASCII, Glyphs, ascii_text
from luna_tui.console.state.chat_state import ChatAnswer, ChatTurn

SIDE_BY_SIDE = 84
"""From this width inside the pane (90 cells with its border) on, two answers stand in columns."""

_PROMPT_LINES = 8
_ANSWER_LINES = 12
_TAB = 4
_WORDS = re.compile(r" *[^ ]+| +$")
_EXAMPLES = ("Can you help me?", "Who are you?", "Thanks, that was quick.")


@dataclass(frozen=True, slots=True)
class ConversationStyle:
    """How a turn is drawn: its width in cells, the answer keys apply to, and whether long answers are shortened."""

    width: int
    glyphs: Glyphs
    chosen: int | None = None
    folded: bool = False


def draw_turn(turn: ChatTurn, look: ConversationStyle) -> list[Text]:
    """Return the lines of a turn and an empty one after it; a prompt to the whole lineage takes one line only."""
    if turn.kind == "lineage":
        return [_collapsed(turn, look), Text()]
    glyphs = look.glyphs
    labels = ["you", *(shown_line(answer.label, glyphs) for answer in turn.answers)]
    label_width = min(12, max(map(cell_len, labels)))
    lines = _prompt(turn, label_width, look)
    columns = len(turn.answers) == 2 and look.width >= SIDE_BY_SIDE
    width = (look.width - 3) // 2 if columns else look.width
    next_one = next((i for i, answer in enumerate(turn.answers) if answer.state != "done"), None)
    drawn: list[list[Text]] = []
    for index, answer in enumerate(turn.answers):
        label = Text(_truncated(labels[index + 1], label_width, glyphs), "accent")
        own = draw_answer(answer, label, label_width, width, glyphs, loading=index == next_one, folded=look.folded)
        drawn.append([_gutter(index == look.chosen, glyphs).append_text(line) for line in own])
    if columns:
        return [*lines, *_beside(drawn[0], drawn[1], width, glyphs), Text()]
    return [*lines, *(line for own in drawn for line in own), Text()]


def draw_answer(
    answer: ChatAnswer,
    label: Text,
    label_width: int,
    width: int,
    glyphs: Glyphs,
    *,
    loading: bool,
    folded: bool = False,
) -> list[Text]:
    """Return the lines of an answer beside its label, without a gutter: `width` counts one cell more than is drawn.

    `loading` marks the one answer, among those that wait, that is being worked on.
    """
    room = max(8, width - label_width - 2)
    body = [Text(line) for line in fold(shown_text(answer.text, glyphs).rstrip(), room)] if answer.text.strip() else []
    if folded and len(body) > _ANSWER_LINES:
        more = len(body) - _ANSWER_LINES + 1
        body = [
            *body[: _ANSWER_LINES - 1],
            Text(f"{glyphs.ellipsis} {counted(more, 'more line')}: space shows them", "dim"),
        ]
    status = _status(answer, room, glyphs, loading=loading)
    lines = _with_tail(body, status, room) if status.plain else body
    if answer.problem:
        lines += [Text(line, "bad") for line in fold(shown_line(answer.problem, glyphs), room)]
    if answer.correction is not None:
        words = f'corrected {glyphs.arrow} "{shown_text(answer.correction, glyphs)}"'
        lines += [Text(line, "good") for line in fold(words, room)]
    return _labelled(lines or [Text()], label, label_width, room)


def draw_nothing_said(answerers: str, width: int, glyphs: Glyphs, *, generations: bool) -> list[Text]:
    """Return what the pane shows before the first prompt: what it is for, and examples."""
    words = [f"Exactly what you type goes to {answerers}: no template, no system prompt, nothing in between."]
    if not generations:
        words.append("There is no generation yet: the base answers.")
    lines = [Text(line, "dim") for text in words for line in fold(shown_line(text, glyphs), max(8, width))]
    lines += [Text(), Text("Try", "dim"), *(Text(f"  {example}"[:width]) for example in _EXAMPLES)]
    return [*lines, *(Text(line, "dim") for line in fold("or a question from your own curriculum.", max(8, width)))]


def chat_title(names: Sequence[str], glyphs: Glyphs, *, kept: bool = False) -> str:
    """Return the pane's title with the answering generations: `Chat G3 │ G1`, and whether turns are kept."""
    title = f"Chat {f' {glyphs.trunk} '.join(shown_line(name, glyphs) for name in names)}"
    return f"{title} {glyphs.dot} turns kept" if kept else title


def chat_options(options: Mapping[str, Any], glyphs: Glyphs) -> str:
    """Return the sampling options in words: `raw prompt` or `turns kept`, T, max and seed."""
    dot = f" {glyphs.dot} "
    return dot.join(
        (
            "turns kept" if options.get("kept") else "raw prompt",
            f"T {options['temperature']:g}",
            f"max {options['max_tokens']}",
            _seed(options),
        )
    )


def chat_keys(options: Mapping[str, Any], width: int, *, busy: bool) -> Text:
    """Return the keys of the conversation with the options they change, as many as fit; the stop key of a running
    answer comes first.
    """
    rated = [("+", "good"), ("-", "bad"), ("e", "correct"), ("r", "again")]
    set_by = [("T", f"{options['temperature']:g}"), ("M", f"max {options['max_tokens']}"), ("S", _seed(options))]
    more = [("k", "single" if options.get("kept") else "keep"), ("y", "copy")]
    text = Text()
    for key, word in [*([("esc", "stop")] if busy else []), *rated, *set_by, *more]:
        piece = Text("  " if text else "").append(key, "key").append(f" {word}", "dim")
        if text.cell_len + piece.cell_len > width:
            break
        text.append_text(piece)
    return text


def fold(text: str, width: int) -> list[str]:
    """Wrap text to lines of at most `width` cells, at spaces where there are any; newlines are kept."""
    lines: list[str] = []
    for paragraph in text.expandtabs(_TAB).split("\n"):
        line, used = "", 0
        for word in _WORDS.findall(paragraph):
            size = cell_len(word)
            if used and used + size > width:
                lines.append(line)
                line, used, word = "", 0, word.lstrip(" ")
                size = cell_len(word)
            if size > width:
                *full, word = chop_cells(word, width)
                lines.extend(full)
                size = cell_len(word)
            line, used = line + word, used + size
        lines.append(line)
    return lines


def shown_text(text: str, glyphs: Glyphs) -> str:
    """Return raw text made safe to draw, newlines and tabs kept."""
    safe = safe_text(text)
    return safe if glyphs is not ASCII else "\n".join(ascii_text(line) for line in safe.split("\n"))


def shown_line(text: str, glyphs: Glyphs) -> str:
    """Return raw text made safe to draw on one line."""
    return ascii_text(safe_line(text)) if glyphs is ASCII else safe_line(text)


def _prompt(turn: ChatTurn, label_width: int, look: ConversationStyle) -> list[Text]:
    room = max(8, look.width - label_width - 2)
    folded = fold(shown_text(turn.prompt, look.glyphs), room)
    lines = [Text().append(line, "bold") for line in folded[:_PROMPT_LINES]]
    if len(folded) > _PROMPT_LINES:
        lines.append(Text(f"{look.glyphs.ellipsis} {counted(len(folded) - _PROMPT_LINES, 'more line')}", "dim"))
    if turn.options.get("temperature"):
        drawn = f"T {turn.options['temperature']:g} {look.glyphs.dot} {_seed(turn.options)}"
        lines = _with_tail(lines, Text(drawn, "dim"), room)
    return [Text(" ").append_text(line) for line in _labelled(lines, Text("you", "label"), label_width, room)]


def _collapsed(turn: ChatTurn, look: ConversationStyle) -> Text:
    glyphs = look.glyphs
    done = sum(answer.state == "done" for answer in turn.answers)
    tail = f"  {done} of {len(turn.answers)} answered {glyphs.dot} w shows them"
    prompt = shown_line(turn.prompt, glyphs)
    text = (
        Text()
        .append(" all ", "label")
        .append(_truncated(prompt, max(8, look.width - 5 - len(tail)), glyphs))
        .append(tail, "dim")
    )
    text.truncate(look.width)
    return text


def _status(answer: ChatAnswer, room: int, glyphs: Glyphs, *, loading: bool) -> Text:
    if answer.state == "waiting":
        return Text(f"{glyphs.running} loading" if loading else "waits", "run" if loading else "dim")
    if answer.state == "streaming":
        return Text(f"{glyphs.running} writing" if answer.text else f"{glyphs.running} reading the prompt", "run")
    stop = _stop(answer, glyphs)
    tokens = [Text(f"{answer.tokens} tok", "dim")] if answer.tokens else []
    speed, first = [], []
    if answer.tokens_per_s:
        speed = [Text(f"{answer.tokens_per_s:{'.0f' if answer.tokens_per_s >= 10 else '.1f'}} tok/s", "dim")]
    if answer.ms_first_token is not None and answer.tokens:
        first = [Text(f"first {_milliseconds(answer.ms_first_token)}", "dim")]
    karma = Text()
    if answer.karma is not None and answer.correction is None:
        sign = f"{answer.karma:+d}" if glyphs is ASCII else f"{answer.karma:+d}".replace("-", "−")
        karma = Text(f"  {sign}", "good" if answer.karma > 0 else "bad")
    text = Text()
    for pieces in ([*tokens, *speed, *first], [*tokens, *speed], tokens, []):
        text = Text().append(f" {glyphs.dot} ", "dim").join([*pieces, *stop]).append_text(karma)
        if text.cell_len <= room:
            return text
    text.truncate(room)
    return text


def _stop(answer: ChatAnswer, glyphs: Glyphs) -> list[Text]:
    """Return how the answer ended; an error is shown in full below it."""
    if answer.problem:
        return []
    notes = [] if answer.text.strip() else [Text("(nothing)", "dim")]
    if answer.continued:
        notes.append(Text("goes on with the prompt", "warn"))
    if answer.stop_reason == "length":
        return [*notes, Text("length (did not stop)", "warn")]
    return [*notes, Text(shown_line(answer.stop_reason, glyphs), "bad" if answer.stop_reason == "error" else "dim")]


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.1f} s"


def _with_tail(lines: list[Text], tail: Text, room: int) -> list[Text]:
    """Put the tail at the right of a single line where it fits, so that short answers stay on one line; else below."""
    if len(lines) == 1 and lines[0].cell_len + tail.cell_len + 2 <= room:
        gap = " " * (room - lines[0].cell_len - tail.cell_len)
        return [lines[0].append(gap, "dim").append_text(tail)]
    return [*lines, tail]


def _labelled(lines: list[Text], label: Text, label_width: int, room: int) -> list[Text]:
    blank = " " * (label_width + 1)
    first = Text().append_text(label).append(" " * (label_width + 1 - label.cell_len))
    for line in lines:
        line.truncate(room)
    return [(first if index == 0 else Text(blank)).append_text(line) for index, line in enumerate(lines)]


def _beside(left: list[Text], right: list[Text], width: int, glyphs: Glyphs) -> list[Text]:
    lines: list[Text] = []
    for index in range(max(len(left), len(right))):
        line = left[index].copy() if index < len(left) else Text()
        line.append(" " * max(0, width - line.cell_len)).append(f" {glyphs.trunk} ", "ghost")
        lines.append(line.append_text(right[index]) if index < len(right) else line)
    return lines


def _gutter(chosen: bool, glyphs: Glyphs) -> Text:
    return Text().append((">" if glyphs is ASCII else "▌") if chosen else " ", "key" if chosen else "")


def _seed(options: Mapping[str, Any]) -> str:
    return f"seed {options['seed']}"


def _truncated(text: str, width: int, glyphs: Glyphs) -> str:
    if cell_len(text) <= width:
        return text
    return chop_cells(text, max(1, width - len(glyphs.ellipsis)))[0] + glyphs.ellipsis
