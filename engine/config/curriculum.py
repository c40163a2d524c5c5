"""The tables of `luna.toml` about the data: `[curriculum]` and `[curriculum.columns]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from engine.config.section import Count, Name, Names, Section


class ColumnsSection(Section):
    """What a file calls the fields of a row, where luna does not know its names: prompt = "frage"."""

    prompt: str = ""
    """The question, or whatever is typed."""
    response: str = ""
    """The answer to learn."""
    context: str = ""
    """What is put below the question."""
    text: str = ""
    """A plain text."""
    messages: str = ""
    """A conversation."""
    accept: str = ""
    """Other right answers."""
    topic: str = ""
    """The topic of a row."""


class CurriculumSection(Section):
    """What there is to learn, and in which order."""

    path: Name = "curriculum"
    """Folder with one folder a stage, relative to the workspace."""
    stages: Names = ("fundamentals", "aios_manual", "logs_specs", "conversations")
    """Stages in the order they are fed, never shuffled. The last one is the voice, the others are knowledge."""
    holdout: Annotated[float, Field(gt=0, le=0.5)] = 0.20
    """Share of each generation's new rows kept for its exam and never trained on, by any descendant either."""
    converse_rows: Count = 100
    """New rows of a `converse` generation: the oldest unseen ones of the last stage and the inbox."""
    inbox: Name = "inbox"
    """Folder of new conversations waiting for the next generation, relative to the workspace."""
    max_line_bytes: Annotated[int, Field(ge=1000)] = 1_000_000
    """A longer line, row or paragraph is a bad row: reported, not trained on."""
    markers: Literal["leave out", "keep"] = "leave out"
    """Text with control markers of a chat template, such as `<|im_end|>`: a model that learns it writes them."""
    columns: ColumnsSection = ColumnsSection()

    @field_validator("stages")
    @classmethod
    def _folder_names(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if not stages:
            raise ValueError("at least one stage")
        if len(set(stages)) < len(stages):
            raise ValueError("stage names that differ from each other")
        for stage in stages:
            if stage.startswith(".") or any(mark in stage for mark in "/\\:\0\n") or stage != stage.strip():
                raise ValueError(f"plain folder names ({stage!r} is none)")
        return stages
