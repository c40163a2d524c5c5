"""The sources of the configuration (file, `LUNA_*` variables, flags), and the error messages for wrong values."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from engine.config.config import CONFIG_NAME, Config
from engine.config.keys import Key, allowed_values, field_of, from_text, key_name, table_of, unknown_key
from engine.config.recipe import PHASES
from engine.config.schema import PER_PHASE
from engine.core.errors import UsageError

_PREFIX = "LUNA_"


@dataclass(frozen=True, slots=True)
class Layer:
    """The values of one source, `{("train", "batch_size"): 8}`, and for each key the place where the user finds it."""

    values: Mapping[Key, object]
    origins: Mapping[Key, str] = field(default_factory=dict[Key, str])


def file_layer(path: Path) -> Layer:
    """Read `luna.toml` into a layer.

    Raises UsageError if it is missing, unreadable, empty, not UTF-8 or malformed (with line and column).
    """
    init = f"write a fresh one with: luna-tui init {path.parent}"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        where = str(path.parent)
        raise UsageError(f"no {CONFIG_NAME} here, so this is not a workspace", where=where, hint=init) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    if not raw.removeprefix(b"\xef\xbb\xbf").strip():
        raise UsageError("the file is empty", where=str(path), hint=f"remove it, then {init}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError("not UTF-8 text", where=f"{path}:{line}", hint="save the file as UTF-8") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(path, text, error) from None
    except RecursionError:
        raise UsageError("nested too deeply", where=str(path)) from None
    values = dict(_leaves(document, ()))
    return Layer(values, {key: f"{CONFIG_NAME}:{_line_of(text, key)}" for key in values})


def env_layer(env: Mapping[str, str]) -> Layer:
    """Read the `LUNA_SECTION__KEY` variables of an environment into a layer.

    Variables with blank text or without a double underscore are skipped.
    """
    values: dict[Key, object] = {}
    origins: dict[Key, str] = {}
    for name, text in sorted(env.items()):
        if not name.startswith(_PREFIX) or "__" not in name or not text.strip():
            continue
        key = tuple(name.removeprefix(_PREFIX).lower().split("__"))
        values[key], origins[key] = from_text(key, text), name
    return Layer(values, origins)


def variable_names() -> list[str]:
    """Return the names of all environment variables that set a key of luna.toml."""
    return [_PREFIX + "__".join(key).upper() for key in _all_keys(Config, ())]


def flag_layer(overrides: Mapping[str, object]) -> Layer:
    """Turn command-line values, given under dotted keys, into a layer.

    None means that the flag was not given; text is parsed like that of a variable.
    """
    values: dict[Key, object] = {}
    origins: dict[Key, str] = {}
    for dotted, value in overrides.items():
        if value is None:
            continue
        key = tuple(dotted.split("."))
        values[key] = from_text(key, value) if isinstance(value, str) else value
        origins[key] = f"--{key[-1].replace('_', '-')}"
    return Layer(values, origins)


def merge(layers: Sequence[Layer]) -> Config:
    """Lay the later layers over the earlier ones and validate the result.

    Raises UsageError that lists every unknown key, or else every wrong value.
    """
    values: dict[Key, object] = {}
    origins: dict[Key, str] = {}
    unknown: list[tuple[str, str]] = []
    for layer in layers:
        unknown += [(layer.origins.get(key, ""), message) for key in layer.values if (message := unknown_key(key))]
        for name in PER_PHASE:
            # A later source's [train] steps also overrules the phase tables of the earlier ones.
            if ("train", name) in layer.values:
                for phase in PHASES:
                    values.pop(("train", phase, name), None)
        values |= layer.values
        origins |= layer.origins
    if unknown:
        raise _usage_error(unknown)
    try:
        return Config.model_validate(_nested(values))
    except ValidationError as error:
        raise _usage_error(list(_wrong_values(error, values, origins))) from None


def _malformed(path: Path, text: str, error: tomllib.TOMLDecodeError) -> UsageError:
    message = str(error)
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        line, column = int(found[1]), int(found[2])
        message = message[: found.start()]
    else:
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        message = message.replace(" (at end of document)", " at the end of the file")
    source = text.split("\n")[line - 1].strip()
    hint = f"the line reads: {source[:80]}" if source else "mend the line, or move the file away and run luna-tui init"
    return UsageError(
        f"malformed TOML at line {line}, column {column}: {message}", where=f"{path.name}:{line}", hint=hint
    )


def _leaves(table: Mapping[str, object], above: Key) -> Iterator[tuple[Key, object]]:
    for name, value in table.items():
        key = (*above, name)
        if isinstance(value, dict) and table_of(key) is not None:
            yield from _leaves(cast("dict[str, object]", value), key)
        else:
            yield key, value


def _all_keys(model: type[BaseModel], above: Key) -> Iterator[Key]:
    for name in model.model_fields:
        table = table_of((*above, name))
        if table is None:
            yield (*above, name)
        else:
            yield from _all_keys(table, (*above, name))


def _nested(values: Mapping[Key, object]) -> dict[str, object]:
    document: dict[str, Any] = {}
    for key, value in values.items():
        table = document
        for part in key[:-1]:
            table = table.setdefault(part, {})
        table[key[-1]] = value
    return document


def _line_of(text: str, key: Key) -> int:
    """Return the line of a key in a TOML text: its own `name =` under its table's header, else the header, else 1."""
    header, best = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        if found := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            header = re.sub(r"[\s\"']", "", found[1])
            if header == ".".join(key):
                return number
            if header == ".".join(key[:-1]):
                best = number
            continue
        name = re.sub(r"[\s\"']", "", line.split("=")[0]) if "=" in line else ""
        if name and ".".join(filter(None, (header, name))) == ".".join(key):
            return number
    return best


def _wrong_values(
    error: ValidationError, values: Mapping[Key, object], origins: Mapping[Key, str]
) -> Iterator[tuple[str, str]]:
    reported: set[Key] = set()
    for problem in error.errors():
        key: Key = tuple(str(part) for part in problem["loc"])
        while key and key not in values:
            # A list item's error belongs to the list's key; a shared [train] steps is reported once, not per phase.
            shared: Key = ("train", key[2]) if len(key) == 3 and key[0] == "train" else ()
            key = shared if shared in values else key[:-1]
        if key in reported:
            continue
        reported.add(key)
        info = field_of(key)
        table = table_of(key)
        if table is not None:
            allowed = f"a table with the keys {', '.join(table.model_fields)}"
        elif problem["type"] == "value_error":
            allowed = str(problem.get("ctx", {}).get("error", ""))
        else:
            allowed = allowed_values(info) if info else problem["msg"]
        yield (
            origins.get(key, CONFIG_NAME),
            f"{key_name(key)} = {_shown(values.get(key))} is not allowed: it must be {allowed}",
        )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"


def _usage_error(problems: Sequence[tuple[str, str]]) -> UsageError:
    if len(problems) == 1:
        return UsageError(problems[0][1], where=problems[0][0])
    listed = "\n".join(f"  {where}: {message}" for where, message in problems)
    return UsageError(f"{len(problems)} values of the configuration are wrong:\n{listed}")
