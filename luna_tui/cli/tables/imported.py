"""What an import brought in and left out, as lines and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.theme import Theme

from luna_tui.common.imported_text import imported_lines
from luna_tui.common.terminal import LunaConsole

if TYPE_CHECKING:
    from engine.service.inbox_import import Imported


def print_imported(console: LunaConsole, one: Imported, root: Path, region: str) -> None:
    """Print what a source brought; `region` is the country of masked phone numbers, empty if nothing was masked."""
    near, everything = "--keep-near takes them", "--json has all"
    with console.use_theme(Theme({"warn": "yellow"})):
        for line in imported_lines(one, root, region, console.glyphs, take_near=near, see_all=everything):
            console.print(line)


def imported_json(one: Imported, root: Path) -> dict[str, object]:
    """Return what a source brought as plain values."""
    tally = one.tally
    return {
        "file": str(one.path.relative_to(root)) if one.path else None,
        "source": str(one.source),
        "rows": one.rows,
        "kinds": dict(tally.taken),
        "known": tally.known,
        "repeated": tally.repeated,
        "near_duplicates": tally.near,
        "near_examples": [{"source": source, "like": earlier} for source, earlier in tally.examples],
        "redacted": dict(one.redacted),
        "unmeasured": one.unmeasured,
        "notes": list(one.notes),
        "bad": [{"file": bad.file, "line": bad.line, "reason": bad.reason} for bad in one.bad],
    }
