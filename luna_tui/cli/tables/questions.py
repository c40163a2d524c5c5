"""The proposed questions as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from luna_tui.common.safe_text import safe_line

if TYPE_CHECKING:
    from engine.data.questions.answers import Proposal


def questions_table(proposals: Sequence[Proposal]) -> Table:
    """Return one row for each proposal: question, answer, rule and source line."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("question", overflow="fold", ratio=2)
    table.add_column("answer", overflow="fold", ratio=3)
    table.add_column("rule", no_wrap=True, style="dim")
    table.add_column("source", overflow="fold", style="dim")
    for proposal in proposals:
        cells = (proposal.prompt, proposal.response, proposal.rule, proposal.source)
        table.add_row(*(Text(safe_line(cell)) for cell in cells))
    return table
