"""Draws the help: how luna works in a few lines, and every key, grouped by purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from luna_tui.common.terminal import Glyphs
from luna_tui.console.state.actions import PANES, Action

TWO_COLUMNS = 88
"""The width, in cells, from which the keys are in two columns."""

_GAP = 3
_FOLDER = Console(width=80, markup=False, highlight=False, emoji=False)

_HOW = (
    "A generation starts from its parent's weights, learns a little new data, becomes a GGUF, and that file is "
    "examined with raw prompts: recall of what the parent knew, generalization on held-out rows, style drift. "
    "The gate accepts it, and HEAD moves to it; or rejects it, and HEAD stays. Nothing is deleted either way: "
    "roll back to any generation, and training there begins a branch."
)

Keys = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    keys: Keys


_OWN_KEYS: tuple[_Section, ...] = (
    _Section(
        "In the lineage",
        (
            ("up down", "Choose a generation; j k, page keys, home and end too."),
            ("enter", "Open its page: recipe, data, scores, files."),
            ("space", "Mark it; two marked ones can be compared."),
            ("right left", "Show or hide its details."),
            ("/", "Filter by phase, verdict, generation or SHA; esc clears."),
        ),
    ),
    _Section(
        "In the conversation",
        (
            ("+ -", "The answer is good, or bad: it goes to the inbox."),
            ("e", "Correct it: write what it should have been."),
            ("r", "The same prompt again, with the next seed."),
            ("esc .", "Stop the answer."),
            ("arrows", "Choose the turn, and which of its answers."),
            ("T M S", "Temperature, most tokens, a new seed."),
            ("k", "Keep the turns, fed as in training; single prompts again."),
            ("y Y", "Copy the answer or what is selected; the conversation."),
        ),
    ),
    _Section(
        "In the prompt",
        (
            ("enter", "Send it raw, as it is typed."),
            ("^j", "A new line; shift+enter where the terminal knows it."),
            ("up down", "Earlier prompts."),
            ("esc", "Back to the conversation."),
        ),
    ),
    _Section(
        "In the conversations",
        (
            ("enter", "Go on with it: its turns are kept."),
            ("/", "Search in prompts and answers."),
            ("m j", "Write it as Markdown, or as JSONL to train on."),
            ("i", "Put it into the inbox as a whole."),
        ),
    ),
    _Section(
        "In the training form",
        (
            ("d ^r", "Dry run: what it would learn and take; ^r where words are typed."),
            ("right left", "In the dry run: the next sequence, the previous one; n p too."),
            ("q esc", "Back from the dry run, with the form as it was."),
        ),
    ),
    _Section(
        "In the import",
        (
            ("enter", "See what would come in; then import it."),
            ("esc", "Stop reading or writing; leave."),
        ),
    ),
    _Section(
        "In the questions",
        (
            ("enter", "Accept the question; the next one."),
            ("space", "Accept it, or drop it."),
            ("e", "Edit question and answer."),
            ("a", "Accept all that are not dropped."),
            ("w W", "Write the accepted ones; replace the file."),
        ),
    ),
    _Section(
        "In the items",
        (
            ("1 2", "All items; failed ones."),
            ("3 4 5", "The exam, the parent's QA set, the ancestors' exams."),
            ("6 7", "Tone answers; what was lost since the parent."),
            ("/", "Search in prompts and answers."),
        ),
    ),
)


def draw_help(actions: Sequence[Action], width: int, glyphs: Glyphs) -> list[Text]:
    """Return the explanation and all keys, in two columns where they fit; no line is wider than `width` cells."""
    lines = [Text().append("How it works", "title"), *_folded(_HOW, width), Text()]
    sections = _sections(actions, glyphs)
    if width < TWO_COLUMNS:
        return lines + _column(sections, width)
    column = (width - _GAP) // 2
    whole = len(_column(sections, column))
    cut = min(range(1, len(sections)), key=lambda at: abs(2 * len(_column(sections[:at], column)) - whole))
    left, right = _column(sections[:cut], column), _column(sections[cut:], column)
    for row in range(max(len(left), len(right))):
        line = left[row].copy() if row < len(left) else Text()
        if row < len(right) and right[row].plain:
            line.append(" " * (column + _GAP - line.cell_len)).append_text(right[row])
        lines.append(line)
    return lines


def _sections(actions: Sequence[Action], glyphs: Glyphs) -> list[_Section]:
    groups = dict.fromkeys(action.group for action in actions)
    found = [
        _Section(group, tuple((action.shown_key, action.help) for action in actions if action.group == group))
        for group in groups
    ]
    names = ", ".join(f"{number} {title}" for number, (_, title) in enumerate(PANES, start=1))
    last = _Section("Panes", ((f"1{glyphs.dash}{len(PANES)}", f"{names}."), ("tab", "The next pane or field.")))
    return [*found, last, *_OWN_KEYS]


def _column(sections: Sequence[_Section], width: int) -> list[Text]:
    lines: list[Text] = []
    for section in sections:
        lines.append(Text().append(section.title, "title"))
        key_width = max(5, *(len(key) for key, _ in section.keys)) + 2
        for key, words in section.keys:
            for number, piece in enumerate(_folded(words, width - key_width)):
                lines.append(Text().append(f"{key if number == 0 else '':<{key_width}}", "key").append_text(piece))
        lines.append(Text())
    return lines[:-1]


def _folded(words: str, width: int) -> list[Text]:
    lines = list(Text().append(words, "dim").wrap(_FOLDER, max(8, width)))
    for line in lines:
        line.rstrip()
    return lines
