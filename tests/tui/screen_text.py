"""What is on the screen, as plain lines."""

from __future__ import annotations

from luna_tui.console.app import LunaApp


def screen_lines(app: LunaApp) -> list[str]:
    """The lines of the topmost screen as a terminal would show them."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[:width].rstrip() for strip in lines[:height]]


def screen_text(app: LunaApp) -> str:
    """All lines in one string."""
    return "\n".join(screen_lines(app))
