"""Locates the sample curriculum: inside the wheel, or in the repository's examples."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import LunaError


def sample_directory() -> Path:
    """Return the folder whose content `init --demo` copies; raise LunaError when the installation lacks it."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "demo" / "aios", package.parent / "examples" / "aios"):
        if (folder / "curriculum").is_dir():
            return folder
    raise LunaError(
        "the sample curriculum is not part of this installation",
        where=str(package),
        hint="install luna-tui from its wheel or from a checkout of the repository",
    )
