"""How data files are read: what luna.toml says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.config.curriculum import CurriculumSection


@dataclass(frozen=True, slots=True)
class ReadRules:
    """The longest row in bytes, what the data's fields are called, and what becomes of control markers.

    `columns` maps luna's names to the files'. `markers` is "keep", or "leave out" for what holds control markers.
    """

    max_line_bytes: int = 1_000_000
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    markers: str = "leave out"

    @classmethod
    def of(cls, section: CurriculumSection) -> ReadRules:
        """Return the rules that luna.toml gives."""
        columns = {ours: theirs for ours, theirs in section.columns.model_dump().items() if theirs}
        return cls(section.max_line_bytes, columns, section.markers)


DEFAULT_RULES = ReadRules()
