"""The base class of the tables of `luna.toml`, and the kinds of values that their keys have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
# A TOML array is a Python list: only the container is converted, the strings inside stay strict.
Names = Annotated[tuple[Name, ...], Field(strict=False)]


class Section(BaseModel):
    """Base class of the tables of `luna.toml`: frozen, strictly typed, unknown keys are forbidden."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
