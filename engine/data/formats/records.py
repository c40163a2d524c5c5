"""What reading a data file gives: records in their own format, lines that are none, and notes on the file."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.rows import BadRow


@dataclass(frozen=True, slots=True)
class Record:
    """A decoded record, still in its own format, with the file and the line or record number it was found at."""

    line: int
    value: object
    raw: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class FileNote:
    """Something assumed about a file that the person should know, such as its encoding."""

    text: str
    line: int = 0


Found = Record | BadRow | FileNote
