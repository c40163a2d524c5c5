"""Check the values of a record: a text fit to train on, or the reason why it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.data.rows import canonical_text

_TYPE_NAMES: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class RowProblem(ValueError):
    """Raised when a record gives no row, with the reason; the reader of the file turns it into a BadRow."""


class WrittenFloat(float):
    """A decimal number as a file writes it: "0.10" stays "0.10" where it is an answer."""

    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        number = super().__new__(cls, text)
        number.text = text
        return number


def type_name(value: object) -> str:
    """Return a value's type in words."""
    return _TYPE_NAMES.get(type(value), "a number" if isinstance(value, float) else type(value).__name__)


def plain_text(value: object) -> object:
    """Return a number or truth value as the text that JSON writes for it; anything else as it is."""
    if isinstance(value, WrittenFloat):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def checked(value: object, what: str) -> str:
    """Return a text fit to train on; raises RowProblem for another type, empty text, NUL or characters not in UTF-8."""
    if not isinstance(value, str):
        raise RowProblem(f"{what} must be text, not {type_name(value)}")
    if "\0" in value:
        raise RowProblem(f"{what} contains a NUL byte")
    if found := re.search("[\ud800-\udfff]", value):
        # Files are decoded with "surrogateescape": bytes that are not UTF-8 arrive as these code points.
        raw = "\udc80" <= found[0] <= "\udcff"
        raise RowProblem(f"{what} contains invalid UTF-8" if raw else f"{what} contains an unpaired surrogate")
    if not canonical_text(value):
        raise RowProblem(f"{what} is empty")
    return value


def text_of(fields: Mapping[str, Any], name: str, where: str = "") -> str:
    """Return the checked text of a field; raises RowProblem where there is none."""
    if fields.get(name) is None:
        raise RowProblem(f"{where}{name} is missing")
    return checked(fields[name], f"{where}{name}")
