"""Where the configuration comes from (the file, `LUNA_*` variables, flags), and what is said when a value is wrong."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from engine.config.load import CONFIG_NAME, PER_PHASE, Config
from engine.config.recipe import PHASES
from engine.core.errors import UsageError

Key = tuple[str, ...]
_PREFIX = "LUNA_"
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source: `{("train", "batch_size"): 8}`, and for each key where a person finds it."""

    values: Mapping[Key, object]
    origins: Mapping[Key, str] = field(default_factory=dict[Key, str])


def file_layer(path: Path) -> Layer:
    """Read `luna.toml`; UsageError if it is missing, empty, not UTF-8 or malformed (with line and column)."""
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
    """Read `LUNA_SECTION__KEY` variables."""
    values: dict[Key, object] = {}
    origins: dict[Key, str] = {}
    for name, text in sorted(env.items()):
        if not name.startswith(_PREFIX) or "__" not in name or not text.strip():
            continue
        key = tuple(name.removeprefix(_PREFIX).lower().split("__"))
        values[key], origins[key] = _from_text(key, text), name
    return Layer(values, origins)


def variable_names() -> list[str]:
    """Every variable that sets a key of luna.toml."""
    return [_PREFIX + "__".join(key).upper() for key in _all_keys(Config, ())]


def flag_layer(overrides: Mapping[str, object]) -> Layer:
    """Take values given on the command line as dotted keys; None means not given, text is read like a variable's."""
    values: dict[Key, object] = {}
    origins: dict[Key, str] = {}
    for dotted, value in overrides.items():
        if value is None:
            continue
        key = tuple(dotted.split("."))
        values[key] = _from_text(key, value) if isinstance(value, str) else value
        origins[key] = f"--{key[-1].replace('_', '-')}"
    return Layer(values, origins)


def merge(layers: Sequence[Layer]) -> Config:
    """Lay the later layers over the earlier ones and validate; UsageError lists every unknown key and wrong value."""
    values: dict[Key, object] = {}
    origins: dict[Key, str] = {}
    unknown: list[tuple[str, str]] = []
    for layer in layers:
        unknown += [(layer.origins.get(key, ""), message) for key in layer.values if (message := _unknown(key))]
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
        if isinstance(value, dict) and _table(key) is not None:
            yield from _leaves(cast("dict[str, object]", value), key)
        else:
            yield key, value


def _all_keys(model: type[BaseModel], above: Key) -> Iterator[Key]:
    for name in model.model_fields:
        table = _table((*above, name))
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
    """Line of a key in a TOML text: its own `name =` under its table's header, else the header, else 1."""
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


def _table(key: Key) -> type[BaseModel] | None:
    """Return the model of a table such as ("train", "base"), or None if there is no such table."""
    model: type[BaseModel] = Config
    for part in key:
        info = model.model_fields.get(part)
        if info is None or not isinstance(info.annotation, type) or not issubclass(info.annotation, BaseModel):
            return None
        model = info.annotation
    return model


def _field(key: Key) -> FieldInfo | None:
    table = _table(key[:-1])
    return table.model_fields.get(key[-1]) if table else None


def _named(key: Key) -> str:
    return f"[{'.'.join(key[:-1])}] {key[-1]}" if len(key) > 1 else "".join(key)


def _unknown(key: Key) -> str:
    """Say what is wrong with a key nobody knows, and which one may have been meant; empty if the key is known."""
    for depth in range(1, len(key) + 1):
        if _field(key[:depth]) is not None and (depth == len(key) or _table(key[:depth]) is not None):
            continue
        owner, name = key[: depth - 1], key[depth - 1]
        table = _table(owner) or Config
        kind = "section" if depth == 1 and (len(key) > 1 or not _homes(name)) else "key"
        shown = f"[{name}]" if kind == "section" else _named(key[:depth])
        near = difflib.get_close_matches(name, list(table.model_fields), n=1)
        homes = _homes(name)
        if homes:
            hint = f"did you mean {' or '.join(_named(home) for home in homes[:2])}?"
        elif near:
            hint = f"did you mean `{near[0]}`?"
        else:
            hint = f"known here: {', '.join(table.model_fields)}"
        return f"unknown {kind} {shown} — {hint}"
    return ""


def _homes(name: str) -> list[Key]:
    """Return every key of that name in any table."""
    tables: list[Key] = [(section,) for section in Config.model_fields]
    tables += [("train", phase) for phase in PHASES]
    return [(*table, name) for table in tables if _field((*table, name))]


def _options(info: FieldInfo) -> list[object]:
    """Return the alternatives of a field's type: `Count | None` has two, a plain `int` one."""
    annotation: object = info.annotation
    return list(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else [annotation]


def _from_text(key: Key, text: str) -> object:
    """Read a variable's or flag's text as its field's type; text that does not fit stays text and fails validation."""
    info = _field(key)
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


def _allowed(info: FieldInfo) -> str:
    """Describe what a field may be, in words: "a whole number, at least 1"."""
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


def _wrong_values(
    error: ValidationError, values: Mapping[Key, object], origins: Mapping[Key, str]
) -> Iterator[tuple[str, str]]:
    told: set[Key] = set()
    for problem in error.errors():
        key: Key = tuple(str(part) for part in problem["loc"])
        while key and key not in values:
            # A list's item lies below its key; a shared [train] steps is reported once, not once a phase.
            shared: Key = ("train", key[2]) if len(key) == 3 and key[0] == "train" else ()
            key = shared if shared in values else key[:-1]
        if key in told:
            continue
        told.add(key)
        info = _field(key)
        table = _table(key)
        if table is not None:
            allowed = f"a table with the keys {', '.join(table.model_fields)}"
        elif problem["type"] == "value_error":
            allowed = str(problem.get("ctx", {}).get("error", ""))
        else:
            allowed = _allowed(info) if info else problem["msg"]
        yield (
            origins.get(key, CONFIG_NAME),
            f"{_named(key)} = {_shown(values.get(key))} is not allowed: it must be {allowed}",
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
