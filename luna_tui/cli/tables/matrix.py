"""Prints the forgetting matrix: the heat map, in blocks as wide as the screen, and its findings in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.theme import Theme

from luna_tui.common.heat_colors import PLAIN_HEAT, PRINTED_HEAT
from luna_tui.common.terminal import LunaConsole, in_ascii
from luna_tui.console.render.matrix_page import columns_in, draw_findings, draw_heading, draw_rows

_READABLE = 100
_WORDS = {"dim": "dim", "bold": "bold", "warn": "yellow"}


def print_matrix(console: LunaConsole, matrix: Mapping[str, Any], asks: str) -> None:
    """Print a matrix with at least one exam; `asks` is the text on how the empty cells are filled."""
    heat = PRINTED_HEAT if console.color_system in ("256", "truecolor") and not console.no_color else PLAIN_HEAT
    glyphs, width = console.glyphs, console.width
    lines: list[Text] = []
    step = columns_in(matrix, width)
    for first in range(0, len(matrix["exams"]), step):
        lines += [Text(), *draw_heading(matrix, width, first, glyphs), *draw_rows(matrix, width, first, glyphs)]
    lines += [Text(), *draw_findings(matrix, min(width, _READABLE), glyphs, asks)]
    with console.use_theme(Theme({**_WORDS, **heat})):
        console.print(Text(f"How each model of the line to {matrix['ref']} does on each exam of it", "bold"))
        for line in lines:
            console.print(in_ascii(line) if console.ascii else line, no_wrap=True, overflow="ignore", crop=False)
