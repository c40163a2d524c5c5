"""How a generation was made, and in what two of them differ: recipe, data counts, backend, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from luna_tui.common import figures
from luna_tui.common.terminal import Glyphs

Values = Mapping[str, Any]


def differences(one: Values, other: Values, glyphs: Glyphs) -> list[tuple[str, str]]:
    """Return what two manifests differ in, with both values: recipe, data counts, seed, threads, backend, versions."""
    changes: list[tuple[str, str]] = []
    for before, after in zip(made_with(one), made_with(other), strict=True):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                change = f"{value_words(key, before.get(key))} {glyphs.arrow} {value_words(key, after.get(key))}"
                changes.append((key, change))
    return changes


def made_with(manifest: Values) -> list[Values]:
    """Return a manifest's recipe, data counts, run settings and versions."""
    data = mapping(manifest.get("data"))
    counts = {key: data.get(key) for key in ("new", "train", "holdout", "replay")}
    how = {key: manifest.get(key) for key in ("backend", "seed", "threads")}
    return [mapping(manifest.get("recipe")), counts, how, mapping(manifest.get("versions"))]


def value_words(key: str, value: object) -> str:
    """Return a value of a recipe as users write it."""
    if key == "lr" and isinstance(value, int | float):
        return figures.learning_rate(float(value))
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def mapping(value: object) -> Values:
    """Return a part of a manifest; empty where it is missing or not a mapping."""
    return cast("Values", value) if isinstance(value, Mapping) else {}


def tone_asked(row: Values | None) -> str | None:
    """Return the name of a generation's tone probe set: drifts are comparable within one set. None where its manifest
    does not record it.
    """
    return mapping((row or {}).get("data")).get("tone_asked")
