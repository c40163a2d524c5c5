"""The report's comparisons: what `luna-tui compare` found and kept."""

from __future__ import annotations

from engine.workspace import Workspace
from luna_tui.report.blocks import Block


def compare_part(workspace: Workspace) -> tuple[list[Block], list[str]]:
    """Return what was compared, and the commands."""
    return [], []
