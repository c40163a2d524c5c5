"""Shows in one line how much karma the inbox holds towards the next generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from luna_tui.common.terminal import Glyphs

if TYPE_CHECKING:
    from engine.service.karma import Meter


def karma_line(meter: Meter, glyphs: Glyphs) -> Text:
    """Return `karma 37/60 to the next generation · 21 rows`, and what else is missing."""
    text = Text().append(f"karma {meter.karma:g}/{meter.needed:g}", "green" if meter.full else "")
    rows = f"{meter.rows} row{'' if meter.rows == 1 else 's'}"
    text.append(f" to the next generation {glyphs.dot} {rows}", "dim")
    if meter.karma >= meter.needed and not meter.full:
        text.append(f" {glyphs.dot} {meter.situations} of {meter.situations_needed} different prompts", "yellow")
    if meter.spent:
        text.append(f" {glyphs.dot} {meter.spent} tried before", "dim")
    if meter.too_long:
        text.append(f" {glyphs.dot} {meter.too_long} longer than the context", "yellow")
    return text
