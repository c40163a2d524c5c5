"""List the files below a data folder in the order they are read, and what of the folder is not read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from engine.data.rows import BadRow


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key in which numbers count as numbers: `part2` before `part10`; equal for equal names only."""
    parts = re.split(r"([0-9]+)", name)
    key = [(1, int(part), "") if part.isdecimal() else (2, 0, part.casefold()) for part in parts if part]
    return [*key, (0, 0, name)]


def files_below(
    folder: Path, shown: str, ignored: list[str], notes: list[str], bad: list[BadRow]
) -> Iterator[tuple[Path, str]]:
    """Yield (path, name for messages) of every file below a folder, in natural order.

    What is not read, what the user should know, and what is bad is appended to `ignored`, `notes` and `bad`. Hidden
    folders are not entered. A linked folder is entered with a note, except one that leads back to a folder above it or
    to one that was already read. A folder that cannot be read is a bad row.
    """

    def name_of(path: Path) -> str:
        inside = path.relative_to(folder)
        return printable(f"{shown}/{inside.as_posix()}" if inside.parts else shown)

    def unreadable(error: OSError) -> None:
        where = name_of(Path(os.fsdecode(error.filename))) if error.filename else shown
        bad.append(BadRow(where, 0, f"the folder cannot be read: {error.strerror or error}"))

    found: list[Path] = []
    entered = {os.path.realpath(folder)}
    for above, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        folders.sort(key=lambda name: (Path(above, name).is_symlink(), natural_key(name)))
        for name in list(folders):
            path = Path(above, name)
            real = os.path.realpath(path)
            if name.startswith("."):
                folders.remove(name)
                ignored.append(f"{name_of(path)}/")
            elif real in entered or Path(os.path.realpath(folder)).is_relative_to(real):
                folders.remove(name)
                ignored.append(f"{name_of(path)}/")
                notes.append(f"{name_of(path)} leads to a folder that is read already and was not entered")
            else:
                entered.add(real)
                if path.is_symlink():
                    notes.append(f"{name_of(path)} is a link; the folder it leads to was read")
        for name in names:
            path = Path(above, name)
            # Not Path.is_file, which raises where a folder may be listed but not entered.
            if os.path.isfile(path):
                found.append(path)
            else:
                ignored.append(name_of(path))
    for path in sorted(found, key=lambda path: [natural_key(part) for part in path.relative_to(folder).parts]):
        yield path, name_of(path)


def printable(name: str) -> str:
    """Return a file name that can be encoded as UTF-8: the system decodes other names with lone surrogates."""
    return name.encode("utf-8", "replace").decode()
