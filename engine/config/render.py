"""Render the commented `luna.toml` that `init` writes from the schema's fields, so that every key has a comment."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import BaseModel

from engine.config.config import Config
from engine.config.sources import flag_layer, merge

_WIDTH = 118
_HEAD = {
    "default": "luna.toml: the original recipe, made for one GPU.",
    "demo": "luna.toml: the demo, tuned for a laptop without a GPU.",
}
_EXAMPLES = {"steps": "300", "lr": "2e-4", "method": '"lora"'}
_PRECEDENCE = (
    "Flags win over LUNA_* variables (LUNA_TRAIN__BATCH_SIZE=8, LUNA_TRAIN__BASE__STEPS=100), which win over this "
    "file. Every key is here with its value; a key that is left out has its default."
)


def default_toml(profile: str = "default", values: Mapping[str, object] | None = None) -> str:
    """Return the text of a `luna.toml` with every key documented.

    `values` maps dotted keys to this profile's values in place of the defaults (`{"train.base.steps": 60}`); parsing
    the text gives exactly these. Raises UsageError for an unknown key or a value that is not allowed.
    """
    config = merge([flag_layer(values or {})])
    lines = [*_comment(_HEAD.get(profile, f"luna.toml: {profile}")), *_comment(_PRECEDENCE)]
    for name in Config.model_fields:
        lines += ["", *_section(name, cast("BaseModel", getattr(config, name)))]
    return "\n".join(lines) + "\n"


def _section(name: str, section: BaseModel) -> Iterator[str]:
    yield from _comment(" ".join((type(section).__doc__ or "").split()))
    yield f"[{name}]"
    tables: list[tuple[str, BaseModel]] = []
    for key, info in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            tables.append((f"{name}.{key}", value))
            continue
        yield from _comment(" ".join((info.description or "").split()))
        if value is None:
            yield f"# {key} = {_EXAMPLES[key]}"
        else:
            yield f"{key} = {_toml(value)}"
    for path, table in tables:
        yield ""
        yield from _section(path, table)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _toml(value: object) -> str:
    """Format one value as TOML; floats in the short notation (2e-4, not 0.0002)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 100_000 else str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's too, except that TOML wants DEL escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(_toml(part) for part in cast("Sequence[object]", value)) + "]"


def _float(value: float) -> str:
    if value == 0 or abs(value) >= 1e-2:
        return repr(value)
    exponent = math.floor(math.log10(abs(value)))
    short = f"{value / 10.0**exponent:.12g}e{exponent}"
    return short if float(short) == value else repr(value)
