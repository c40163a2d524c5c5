"""The style names of a heat map, from `heat0` for the lowest scores to `heat4` for the highest."""

from __future__ import annotations

from rich.style import Style

BOUNDS = (0.5, 0.7, 0.85, 0.95)
"""The scores at which a stronger shade begins."""

PLAIN_HEAT = {
    "heat0": Style(dim=True),
    "heat1": Style(),
    "heat2": Style(),
    "heat3": Style(bold=True),
    "heat4": Style(bold=True, reverse=True),
}
"""Where no colours can be mixed: the numbers themselves must do, the best stand out."""

PRINTED_HEAT = {
    "heat0": Style(color="#c8d0e8", bgcolor="#1b2030"),
    "heat1": Style(color="#dfe6fa", bgcolor="#28406a"),
    "heat2": Style(color="#ffffff", bgcolor="#2f5c9e"),
    "heat3": Style(color="#0b1020", bgcolor="#5d93dd"),
    "heat4": Style(color="#0b1020", bgcolor="#9cc4ff"),
}
"""For what is printed: text and background together, so that it reads on a dark terminal and on a light one."""


def shade(value: float) -> str:
    """Return the style name of a cell with this score."""
    return f"heat{sum(value >= bound for bound in BOUNDS)}"
