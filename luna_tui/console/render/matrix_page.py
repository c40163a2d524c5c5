"""The forgetting matrix as a heat map: models down, exams across, the diagonal in brackets, and its findings in words.

It draws the mapping that `matrix --json` prints, for the console and for the command alike.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from luna_tui.common.heat_colors import BOUNDS, shade
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs

_CELL = 5
_MEASURES = (
    ("acc", "ACC", "mean score of {last} on the exams of its line"),
    ("bwt", "BWT", "change of the earlier exams since they were new; below 0 is forgetting"),
    ("fwt", "FWT", "lead over the base on an exam just before it is taught"),
)
_NOTHING_YET = {"bwt": "there is no earlier exam yet", "fwt": "there is no later exam yet", "acc": "there is no exam"}

Matrix = Mapping[str, Any]


def columns_in(matrix: Matrix, width: int) -> int:
    """Return how many exams fit into `width` cells, at least one."""
    return max(1, (width - _label_width(matrix)) // _CELL)


def draw_heading(matrix: Matrix, width: int, first: int, glyphs: Glyphs) -> list[Text]:
    """Return two lines above the map: the exams from the column `first` on, and how many items each has."""
    exams = _window(matrix["exams"], matrix, width, first)
    lead = _label_width(matrix)
    names = Text().append(f"{'exam':<{lead}}", "dim")
    counts = Text().append(f"{'items':<{lead}}", "dim")
    for exam in exams:
        names.append(f"{safe_line(str(exam['label'])):^{_CELL}}", "bold")
        counts.append(f"{exam['n']:^{_CELL}}", "dim")
    return [names, counts]


def draw_rows(matrix: Matrix, width: int, first: int, glyphs: Glyphs) -> list[Text]:
    """Return the map itself, one line per model."""
    exams, lead = matrix["exams"], _label_width(matrix)
    falls = {(fall["gen"], fall["at"]) for fall in matrix["falling"]}
    lines: list[Text] = []
    for number, row in enumerate(matrix["rows"]):
        line = Text().append(f"{safe_line(str(row['label'])):<{lead}}", "bold")
        for exam, cell in _window(list(zip(exams, row["cells"], strict=True)), matrix, width, first):
            own = number == exam["row"]
            if cell is None:
                mark = glyphs.waiting if row["can_sit"] else glyphs.dash
                line.append(f"[ {mark} ]" if own else f"  {mark}  ", "dim")
                continue
            after = "]" if own else "!" if (exam["gen"], row["label"]) in falls else " "
            line.append(f"{'[' if own else ' '}{short_score(cell['value'])}{after}", shade(cell["value"]))
        lines.append(line)
    return lines


def draw_findings(matrix: Matrix, width: int, glyphs: Glyphs, asks: str) -> list[Text]:
    """Return the measures, the falling exams in words and the legend; `asks` says how empty cells are filled."""
    last = safe_line(str(matrix["ref"]))
    lines: list[Text] = []
    for fall in matrix["falling"]:
        lines += _hanging("! ", safe_line(str(fall["words"])), width, "warn", "warn")
    if lines:
        lines.append(Text())
    for key, name, means in _MEASURES:
        value, words = _measured(matrix[key], key, means.format(last=last), glyphs)
        lines += _hanging(f"{name} {value:>7}  ", words, width, "bold", "dim")
    if matrix["missing"]:
        cells = "1 cell was" if matrix["missing"] == 1 else f"{matrix['missing']} cells were"
        lines += _hanging(f"{glyphs.waiting} ", f"{cells} not asked yet: {asks}", width, "dim", "")
    if any(not row["can_sit"] for row in matrix["rows"]):
        lines += _hanging(f"{glyphs.dash} ", "there is no GGUF of this row here", width, "dim", "dim")
    return [*lines, _legend(width)]


def short_score(value: float) -> str:
    """Format a score in three cells: `.96`; 1.0 and .00 only for exactly these values."""
    if value >= 1:
        return "1.0"
    if value <= 0:
        return ".00"
    return f"{min(0.99, max(0.01, value)):.2f}"[1:]


def _measured(measure: Mapping[str, Any], key: str, means: str, glyphs: Glyphs) -> tuple[str, str]:
    value, known, needed = measure["value"], measure["known"], measure["needed"]
    if value is None:
        lacks = f"{known} of the {needed} it needs are known" if needed else _NOTHING_YET[key]
        return glyphs.waiting, f"{means} ({lacks})"
    value = round(value, 3) + 0.0  # avoids a minus sign before zero
    shown = f"{value:.3f}" if key == "acc" else f"{value:+.3f}"
    return shown, f"{means} ({needed} {'exam' if needed == 1 else 'exams'})"


def _legend(width: int) -> Text:
    line = Text().append("[ ] its own exam   ! falling   ", "dim")
    line.append(f" <{_bound(BOUNDS[0])} ", "heat0")
    for level, bound in enumerate(BOUNDS, start=1):
        line.append(f" {_bound(bound)}+ ", f"heat{level}")
    line.truncate(width)
    return line


def _bound(value: float) -> str:
    return f"{value:.2f}"[1:]


def _label_width(matrix: Matrix) -> int:
    return max(5, *(len(str(row["label"])) for row in matrix["rows"])) + 1


def _window(cells: Sequence[Any], matrix: Matrix, width: int, first: int) -> Sequence[Any]:
    return cells[first : first + columns_in(matrix, width)]


def _hanging(lead: str, words: str, width: int, lead_style: str, style: str) -> list[Text]:
    # A command that is named here is for copying: it is not broken inside.
    folded = textwrap.wrap(words, max(8, width - len(lead)), break_long_words=False, break_on_hyphens=False) or [""]
    return [
        Text().append(lead if place == 0 else " " * len(lead), lead_style).append(part, style)
        for place, part in enumerate(folded)
    ]
