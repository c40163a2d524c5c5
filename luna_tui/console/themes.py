"""The colours: four themes, and the few style names that panes use. Colours are used for meaning only."""

from __future__ import annotations

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from luna_tui.common.heat_colors import PLAIN_HEAT

DARK = Theme(
    name="luna-dark",
    primary="#7aa2f7",
    secondary="#9d8cd6",
    accent="#7dcfff",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    foreground="#c8d0e8",
    background="#12141c",
    surface="#161923",
    panel="#1e2230",
    dark=True,
    variables={"luna-dim": "#717a9a", "luna-ghost": "#565f89", "luna-raw": "#4f6aa8"},
)
LIGHT = Theme(
    name="luna-light",
    primary="#2e5cb8",
    secondary="#6b4fa0",
    accent="#0b7285",
    success="#2b7a0b",
    warning="#8a5a00",
    error="#b3261e",
    foreground="#22252e",
    background="#fafaf7",
    surface="#f3f3ee",
    panel="#e6e6df",
    dark=False,
    variables={"luna-dim": "#666a76", "luna-ghost": "#9a9da8", "luna-raw": "#93abdc"},
)
CONTRAST = Theme(
    name="luna-contrast",
    primary="#6fb7ff",
    secondary="#d6a8ff",
    accent="#00ffff",
    success="#5cff5c",
    warning="#ffd75f",
    error="#ff6b6b",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={"luna-dim": "#c8c8c8", "luna-ghost": "#a0a0a0", "luna-raw": "#8fb8ff"},
)
SIXTEEN = Theme(
    name="luna-16",
    primary="ansi_blue",
    secondary="ansi_magenta",
    accent="ansi_cyan",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    dark=True,
    ansi=True,
    variables={
        "luna-dim": "ansi_default",
        "luna-ghost": "ansi_bright_black",
        "luna-raw": "ansi_blue",
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
    },
)
THEMES = (DARK, LIGHT, CONTRAST, SIXTEEN)


def line_styles(theme: Theme) -> dict[str, Style]:
    """Return the style names of drawn lines, in a theme's colours."""
    variables = theme.variables
    dim = Style(dim=True) if theme.ansi else Style(color=_rich(variables.get("luna-dim", theme.foreground)))
    return {
        "good": Style(color=_rich(theme.success)),
        "bad": Style(color=_rich(theme.error)),
        "warn": Style(color=_rich(theme.warning)),
        "run": Style(color=_rich(theme.accent)),
        "head": Style(color=_rich(theme.primary), bold=True),
        "accent": Style(color=_rich(theme.secondary)),
        "dim": dim,
        "label": dim,
        "title": Style(bold=True),
        "ghost": Style(color=_rich(variables.get("luna-ghost", theme.foreground))),
        "smooth": Style(color=_rich(theme.accent), bold=theme.ansi),
        "raw": Style(color=_rich(variables.get("luna-raw", theme.primary))),
        "key": Style(color=_rich(theme.primary), bold=True),
        "bold": Style(bold=True),
        "marked": Style(color=_rich(theme.error), bold=True, reverse=True),
        **_heat(theme),
    }


# The share of the theme's primary colour in the background of a heat map's cell, from the lowest scores to the highest.
_SHADES = (0.06, 0.2, 0.34, 0.5, 0.9)


def _heat(theme: Theme) -> dict[str, Style]:
    """Return the styles of a heat map's cells: one colour of growing intensity, and the text colour with the better
    contrast.
    """
    if theme.ansi:
        return PLAIN_HEAT
    ground, ink = Color.parse(theme.background or "black"), Color.parse(theme.primary)
    light = Color.parse(theme.foreground or "white")
    styles: dict[str, Style] = {}
    for level, share in enumerate(_SHADES):
        under = ground.blend(ink, share)
        over = max((ground, light), key=lambda text, under=under: abs(text.brightness - under.brightness))
        styles[f"heat{level}"] = Style(color=over.rich_color, bgcolor=under.rich_color)
    return styles


def _rich(color: str | None) -> str:
    """Return Rich's name for a Textual colour name."""
    name = color or "default"
    return name.removeprefix("ansi_")
