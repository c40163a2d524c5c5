"""The keys of `luna.toml`: which ones exist, which values each allows, and the error message for an unknown one."""

from __future__ import annotations

import difflib
import types
from typing import Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.config.config import Config
from engine.config.recipe import PHASES

Key = tuple[str, ...]
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def table_of(key: Key) -> type[BaseModel] | None:
    """Return the pydantic model of a table such as ("train", "base"), or None if there is no such table."""
    model: type[BaseModel] = Config
    for part in key:
        info = model.model_fields.get(part)
        if info is None or not isinstance(info.annotation, type) or not issubclass(info.annotation, BaseModel):
            return None
        model = info.annotation
    return model


def field_of(key: Key) -> FieldInfo | None:
    """Return the pydantic field of a key, or None for an unknown key."""
    table = table_of(key[:-1])
    return table.model_fields.get(key[-1]) if table else None


def key_name(key: Key) -> str:
    """Return a key as messages show it: `[train.base] steps`."""
    return f"[{'.'.join(key[:-1])}] {key[-1]}" if len(key) > 1 else "".join(key)


def unknown_key(key: Key) -> str:
    """Return the error message for an unknown key, with a suggestion of the intended one; empty if the key is known."""
    for depth in range(1, len(key) + 1):
        if field_of(key[:depth]) is not None and (depth == len(key) or table_of(key[:depth]) is not None):
            continue
        owner, name = key[: depth - 1], key[depth - 1]
        table = table_of(owner) or Config
        kind = "section" if depth == 1 and (len(key) > 1 or not _homes(name)) else "key"
        shown = f"[{name}]" if kind == "section" else key_name(key[:depth])
        near = difflib.get_close_matches(name, list(table.model_fields), n=1)
        homes = _homes(name)
        if homes:
            hint = f"did you mean {' or '.join(key_name(home) for home in homes[:2])}?"
        elif near:
            hint = f"did you mean `{near[0]}`?"
        else:
            hint = f"known here: {', '.join(table.model_fields)}"
        return f"unknown {kind} {shown} — {hint}"
    return ""


def _homes(name: str) -> list[Key]:
    """Return every known key of that name, in any table."""
    tables: list[Key] = [(section,) for section in Config.model_fields]
    tables += [("train", phase) for phase in PHASES]
    return [(*table, name) for table in tables if field_of((*table, name))]


def _options(info: FieldInfo) -> list[object]:
    """Return the alternatives of a field's type: `Count | None` has two, a plain `int` one."""
    annotation: object = info.annotation
    return list(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else [annotation]


def from_text(key: Key, text: str) -> object:
    """Parse a variable's or flag's text as its field's type; text that does not fit stays text and fails validation."""
    info = field_of(key)
    if info is None:
        return text
    kinds = [get_args(option)[0] if hasattr(option, "__metadata__") else option for option in _options(info)]
    if bool in kinds:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
            text.strip().lower(), text
        )
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                return text
    if any(get_origin(kind) is tuple for kind in kinds):
        return [part.strip() for part in text.split(",")]
    return text


def allowed_values(info: FieldInfo) -> str:
    """Describe the allowed values of a field in words: "a whole number, at least 1"."""
    metadata = list(info.metadata)
    words: list[str] = []
    for option in _options(info):
        metadata += getattr(option, "__metadata__", ())
        kind = get_args(option)[0] if hasattr(option, "__metadata__") else option
        if get_origin(kind) is Literal:
            words.append("one of " + ", ".join(f'"{choice}"' for choice in get_args(kind)))
        elif get_origin(kind) is tuple:
            words.append("a list of texts")
        elif kind is not type(None):
            words.append(
                {int: "a whole number", float: "a number", bool: "true or false"}.get(cast("type", kind), "a text")
            )
    flat = [part for entry in metadata for part in getattr(entry, "metadata", [entry])]
    for attribute, said in _BOUNDS:
        words += [f"{said} {getattr(part, attribute)}" for part in flat if getattr(part, attribute, None) is not None]
    if any(getattr(part, "min_length", None) for part in flat):
        words.append("not empty")
    return ", ".join(words)
