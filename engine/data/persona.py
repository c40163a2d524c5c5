"""A persona file: the voice, situations and word lists of tone examples; TOML that the user writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from engine.core.errors import UsageError

SLOT = re.compile(r"\{([A-Za-z_]+)\}")

Line = Annotated[str, Field(min_length=1)]
Lines = Annotated[tuple[Line, ...], Field(strict=False, min_length=1)]


class Part(BaseModel):
    """Base class of the tables of the file: frozen, strictly typed, unknown keys are forbidden."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Exchange(Part):
    """A prompt and its answer, both used word for word."""

    prompt: Line
    response: Line


class Turn(Part):
    """Prompts that mean the same, and answers each of which fits each of them.

    A slot `{name}` stands for a word of the persona's list `name`.
    """

    prompts: Lines
    answers: Lines


class Situation(Part):
    """A kind of situation: the turns that may occur in it, and examples that are used word for word."""

    name: Line
    turns: Annotated[tuple[Turn, ...], Field(strict=False, min_length=1)]
    examples: Annotated[tuple[Exchange, ...], Field(strict=False, min_length=1)]


class Persona(Part):
    """A voice: its situations, their word lists, how prompts may be framed, and the phrases it never uses."""

    name: Line
    rules: Annotated[tuple[Line, ...], Field(strict=False)] = ()
    never: Annotated[tuple[Line, ...], Field(strict=False)] = ()
    max_words: Annotated[int, Field(ge=1)] = 24
    frames: Lines = ("{prompt}",)
    words: dict[str, Lines] = Field(default_factory=dict[str, Lines])
    situations: Annotated[tuple[Situation, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Persona:
        names = [situation.name for situation in self.situations]
        if len(set(names)) < len(names):
            raise ValueError("situations need names that differ from each other")
        for frame in self.frames:
            if SLOT.findall(frame) != ["prompt"]:
                raise ValueError(f"a frame holds {{prompt}} once and nothing else in braces: {frame!r}")
        for situation in self.situations:
            for line in (line for turn in situation.turns for line in (*turn.prompts, *turn.answers)):
                for slot in SLOT.findall(line):
                    if slot.lower() not in self.words:
                        raise ValueError(f"{situation.name}: there is no list [words] {slot.lower()} for {line!r}")
        return self


def load_persona(path: Path) -> Persona:
    """Read and validate a persona file; raises UsageError that says what is wrong, where and how to fix it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = "a sample is in examples/personas"
        raise UsageError("there is no such persona file", where=str(path), hint=hint) from None
    except UnicodeDecodeError:
        raise UsageError("not UTF-8 text", where=str(path), hint="save the file as UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    try:
        return Persona.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"malformed TOML: {error}", where=str(path), hint="mend that line") from None
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()]
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        hint = "a situation needs a name, turns of prompts and answers, and an example; see examples/personas"
        raise UsageError("; ".join(problems[:3]) + more, where=str(path), hint=hint) from None


def _describe(problem: ErrorDetails) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
